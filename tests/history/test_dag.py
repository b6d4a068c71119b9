"""The whole DAG ``grdf_history``, run by ``dag.test()``: one mapped task per account, and asset events."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from tests.helpers import lose
from tests.history.steps import DAY, MONTH, YEAR, Y, assert_stored_as_grdf, form, household

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld
    from tests.runs.runner import Run, Worker

FIRST, END = f"{Y}-02-20", f"{Y}-04-02"
DAYS = (date.fromisoformat(END) - date.fromisoformat(FIRST)).days


def history(dags: Worker, *accounts: str, **more: Any) -> Run:
    return dags.run_named("grdf_history", form(FIRST, END, accounts=list(accounts), **more))


def events(dags: Worker, account: str) -> list[dict[str, Any]]:
    return [event for event in dags.ask("asset_events") if event["extra"].get("account") == account]


def test_two_accounts_and_again(clean: LocalWorld, couchdb: CouchDBHook, dags: Worker, account_id: str) -> None:
    accounts = account_id, f"history-{int(account_id[-5:]) + 50_000}"
    pces = [household(clean, account, date(Y, 1, 1), 1)[0] for account in accounts]
    run = history(dags, *accounts)
    assert run.state == "success", run.output
    assert run.tasks == dict.fromkeys(("plan", "read0", "read1", "announce"), "success")
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


def test_an_unknown_and_a_refused_account_fail_alone_and_are_named(
    clean: LocalWorld, couchdb: CouchDBHook, dags: Worker, account_id: str
) -> None:
    refused = f"history-{int(account_id[-5:]) + 60_000}"
    (pce,), (closed,) = (household(clean, account, date(Y, 1, 1)) for account in (account_id, refused))
    lose(clean, closed)
    run = history(dags, "nobody-here", account_id, refused)
    assert run.state == "failed"
    assert run.tasks == {
        "plan": "success", "read0": "failed", "read1": "success", "read2": "failed", "announce": "success",
    }  # fmt: skip
    assert_stored_as_grdf(clean, couchdb, account_id, pce, FIRST, END)
    assert len(events(dags, account_id)) == 3, "what could be read is announced although others failed"
    assert events(dags, refused) == []
    assert f"{refused}, nobody-here" in run.output
    assert (clean.book.get(refused) or {})["state"].startswith("USER_ACTION_NEEDED")
