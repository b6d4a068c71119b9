"""The whole DAG ``grdf_history``, run by ``dag.test()``: one mapped task per account, and asset events."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from include.gas.documents.doctypes import DAY, MONTH, YEAR
from tests.history.steps import Y, assert_stored_as_grdf, form, household
from tests.runs.runner import Run, Worker, worker

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld

FIRST, END = f"{Y}-02-20", f"{Y}-04-02"
DAYS = (date.fromisoformat(END) - date.fromisoformat(FIRST)).days


@pytest.fixture(scope="module")
def dags(world: LocalWorld, airflow_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """The process that runs whole DAGs."""
    with worker(tmp_path_factory.mktemp("history") / "worker.log", world) as running:
        yield running


def history(dags: Worker, *accounts: str, **more: Any) -> Run:
    return dags.run_named("grdf_history", form(FIRST, END, accounts=list(accounts), **more))


def events(dags: Worker, account: str) -> list[dict[str, Any]]:
    return [event for event in dags.ask("asset_events") if event["extra"].get("account") == account]


def test_two_accounts_and_again_and_an_unknown_one_that_fails_alone(
    clean: LocalWorld, couchdb: CouchDBHook, dags: Worker, account_id: str
) -> None:
    accounts = account_id, f"history-{int(account_id[-5:]) + 50_000}"
    pces = [household(clean, account, date(Y, 1, 1), 1)[0] for account in accounts]
    run = history(dags, "nobody-here", *accounts)
    assert run.state == "failed"
    assert run.tasks == {
        "plan": "success", "read0": "failed", "read1": "success", "read2": "success", "announce": "success",
    }  # fmt: skip
    assert "1 of 3 accounts could not be read: nobody-here" in run.output
    assert sorted(call["pce"] for call in run.data_calls) == sorted(pces), "one call per account"
    for account, pce in zip(accounts, pces, strict=True):
        assert_stored_as_grdf(clean, couchdb, account, pce, FIRST, END)
        told = events(dags, account)
        assert sorted(event["asset"] for event in told) == sorted((DAY, MONTH, YEAR))
        assert [event["extra"]["changed"] for event in told if event["asset"] == DAY] == [DAYS]
    assert f"2 accounts, 2 calls, {2 * DAYS} new" in run.output

    clean.control.correct(pces[0], f"{Y}-03-14", 99.5)
    again = history(dags, *accounts)
    assert (again.state, again.data_calls) == ("success", []), again.output
    assert len(events(dags, account_id)) == 3, "nothing changed: nobody is woken"
    every = history(dags, *accounts, include_definitive=True)
    assert (every.state, len(every.data_calls)) == ("success", 2)
    assert [event["extra"] for event in events(dags, account_id)[3:]] == [{"account": account_id, "changed": 1}] * 3
    assert len(events(dags, accounts[1])) == 3
