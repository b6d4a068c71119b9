"""What a DAG triggered by an event learns: the changed days while they are known, otherwise that they are not."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace
from typing import Any

import pytest

from grdf.airflow.announcing import changes_behind
from include.gas.documents.changes import Changes, LoadReport
from tests.history.steps import DAY

LOAD, REREAD = ("grdf_account__home", "load"), ("grdf_history", "announce")


def changes(*days: int) -> Changes:
    return Changes.of([LoadReport(new=len(days), changed_days=tuple(date(2026, 3, day) for day in days))])


def result(account: str, *days: int) -> dict[str, Any]:
    return {"account": account, "new": len(days), "changes": changes(*days).as_json()}


def event(account: str, changed: int, source: tuple[str, str] = LOAD) -> SimpleNamespace:
    """Return an event as Airflow represents it."""
    dag, task = source
    extra = {"account": account, "changed": changed}
    return SimpleNamespace(
        asset=SimpleNamespace(name=DAY), extra=extra, source_dag_id=dag, source_task_id=task, source_run_id="run"
    )


def told(xcoms: dict[str, Any], *events: SimpleNamespace) -> list[tuple[str, int, Changes | None]]:
    """Call it with XComs as Airflow returns them: a list for a mapped task, otherwise the value or ``None``."""
    pulled: list[str] = []

    def xcom_pull(*, task_ids: str, dag_id: str, run_id: str) -> Any:
        assert run_id == "run"
        pulled.append(f"{dag_id}.{task_ids}")
        return xcoms.get(pulled[-1])

    context: Any = {"ti": SimpleNamespace(xcom_pull=xcom_pull)}
    found = list(changes_behind(context, events))
    assert len(pulled) == len(set(pulled)), "each run is asked once"
    return found


def test_the_days_of_a_load() -> None:
    xcoms = {"grdf_account__home.load": result("home", 3, 4)}
    assert told(xcoms, event("home", 2)) == [("home", 2, changes(3, 4))]


def test_the_days_of_a_reread_of_several() -> None:
    xcoms = {"grdf_history.read": [result("home", 3), None, result("other", 5, 6)]}
    both = event("other", 2, REREAD), event("home", 1, REREAD)
    assert told(xcoms, *both) == [("other", 2, changes(5, 6)), ("home", 1, changes(3))]
    one = {"grdf_history.read": result("home", 3)}
    assert told(one, event("home", 1, REREAD)) == [("home", 1, changes(3))]


def test_the_example_of_the_documentation(capsys: pytest.CaptureFixture[str]) -> None:
    """It runs as it stands there."""
    page = (Path(__file__).parents[2] / "docs" / "past.md").read_text(encoding="utf-8")
    made: dict[str, Any] = {}
    exec(dedent(page.partition("```python\n")[2].partition("```")[0]), made)
    say = made["dag"].get_task("say_what_changed").python_callable
    load = SimpleNamespace(xcom_pull=lambda **_: result("home", 3, 4))
    say(triggering_asset_events={made["DAYS"]: [event("home", 2)]}, ti=load)
    assert capsys.readouterr().out == f"home 2 {(date(2026, 3, 3), date(2026, 3, 4))}\n"


def test_days_that_are_not_known_any_more() -> None:
    cleared = {"grdf_account__home.load": result("home", 9)}
    assert told(cleared, event("home", 2)) == [("home", 2, None)], "the run was cleared, and has changed others since"
    assert told({}, event("home", 2)) == [("home", 2, None)], "the household has left"
    assert told({"grdf_account__home.load": {"account": "home"}}, event("home", 2)) == [("home", 2, None)]
