"""What a DAG triggered by an event learns: the changed days while they are known, otherwise that they are not."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace
from typing import Any

import pytest

from grdf.airflow.announcing import changes_behind
from include.gas.documents.changes import Changes, StoreReport

LOAD, REREAD = ("grdf_account__home", "load"), ("grdf_history", "announce")


def changes(*days: int) -> Changes:
    return Changes.sum_of([StoreReport(new=len(days), changed_days=tuple(date(2026, 3, day) for day in days))])


def result(account: str, *days: int) -> dict[str, Any]:
    return {"account": account, "new": len(days), "changes": changes(*days).as_json()}


def event(account: str, changed: int, source: tuple[str, str] = LOAD) -> SimpleNamespace:
    dag, task = source
    asset, extra = SimpleNamespace(name="com.grandlyon.grdf.day"), {"account": account, "changed": changed}
    return SimpleNamespace(asset=asset, extra=extra, source_dag_id=dag, source_task_id=task, source_run_id="run")


HOME, OTHER = event("home", 1, REREAD), event("other", 2, REREAD)
LOADED = event("home", 2)


@pytest.mark.parametrize(
    ("xcoms", "events", "expected"),
    [
        ({"grdf_account__home.load": result("home", 3, 4)}, [LOADED], [("home", 2, changes(3, 4))]),
        (
            {"grdf_history.read": [result("home", 3), None, result("other", 5, 6)]},
            [OTHER, HOME],
            [("other", 2, changes(5, 6)), ("home", 1, changes(3))],
        ),
        ({"grdf_history.read": result("home", 3)}, [HOME], [("home", 1, changes(3))]),
        ({"grdf_account__home.load": result("home", 9)}, [LOADED], [("home", 2, None)]),  # cleared, and loaded anew
        ({}, [LOADED], [("home", 2, None)]),  # the household has left
        ({"grdf_account__home.load": {"account": "home"}}, [LOADED], [("home", 2, None)]),
    ],
    ids=["load", "reread of several", "reread of one", "cleared", "gone", "nothing"],
)
def test_the_days_behind_events(xcoms: dict[str, Any], events: list[SimpleNamespace], expected: list[Any]) -> None:
    """XComs are as Airflow returns them: a list for a mapped task, otherwise the value or ``None``."""
    pulled: list[str] = []

    def xcom_pull(*, task_ids: str, dag_id: str, run_id: str) -> Any:
        assert run_id == "run"
        pulled.append(f"{dag_id}.{task_ids}")
        return xcoms.get(pulled[-1])

    context: Any = {"ti": SimpleNamespace(xcom_pull=xcom_pull)}
    assert list(changes_behind(context, events)) == expected
    assert len(pulled) == len(set(pulled)), "each run is asked once"


def test_the_example_of_the_documentation(capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "past.md").read_text(encoding="utf-8")
    made: dict[str, Any] = {}
    exec(dedent(page.partition("```python\n")[2].partition("```")[0]), made)
    say = made["dag"].get_task("say_what_changed").python_callable
    say(
        triggering_asset_events={made["DAYS"]: [LOADED]}, ti=SimpleNamespace(xcom_pull=lambda **_: result("home", 3, 4))
    )
    assert capsys.readouterr().out == f"home 2 {(date(2026, 3, 3), date(2026, 3, 4))}\n"
