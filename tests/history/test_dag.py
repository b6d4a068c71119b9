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


def history(dags: Worker, *accounts: str, **more: Any) -> Run:
    return dags.run_named("grdf_history", form(FIRST, END, accounts=list(accounts), **more))


def events(dags: Worker, account: str) -> list[dict[str, Any]]:
    return [event for event in dags.ask("asset_events") if event["extra"].get("account") == account]


def test_two_accounts_and_again(world: LocalWorld, couchdb: CouchDBHook, dags: Worker, account_id: str) -> None:
    other = f"history-{int(account_id[-5:]) + 50_000}"
    pces = [household(world, account, date(Y, 1, 1), 1)[0] for account in (account_id, other)]

    run = history(dags, account_id, other)

    assert (run.state, set(run.tasks.values())) == ("success", {"success"}), run.output
    assert set(run.tasks) == {"plan", "read0", "read1", "announce"}
    assert sorted(call["pce"] for call in run.data_calls) == sorted(pces), "one call per account"
    for account, pce in zip((account_id, other), pces, strict=True):
        assert_stored_as_grdf(world, couchdb, account, pce, FIRST, END)
    assert "2 account(s) are read" in run.output
    counts = {}
    for account in (account_id, other):
        told = events(dags, account)
        assert {event["asset"] for event in told} == {DAY, MONTH, YEAR}
        assert len(told) == 3, told
        (days,) = [event["extra"] for event in told if event["asset"] == DAY]
        counts[account] = days["changed"]
        assert counts[account] == (date.fromisoformat(END) - date.fromisoformat(FIRST)).days
    assert f"2 accounts, 2 calls, {sum(counts.values())} new" in run.output

    again = history(dags, account_id, other)
    assert (again.state, again.data_calls) == ("success", []), again.output
    assert "2 accounts, 0 calls, 0 new" in again.output
    assert len(events(dags, account_id)) == 3, "nothing changed: nobody is woken"

    world.control.correct(pces[0], f"{Y}-03-14", 99.5)
    every = history(dags, account_id, other, include_definitive=True)
    assert (every.state, len(every.data_calls)) == ("success", 2)
    assert "1 corrected" in every.output
    assert [event["extra"] for event in events(dags, account_id)[3:]] == [{"account": account_id, "changed": 1}] * 3
    assert len(events(dags, other)) == 3


def test_an_unknown_and_a_refused_account_fail_alone_and_are_named(
    world: LocalWorld, couchdb: CouchDBHook, dags: Worker, account_id: str
) -> None:
    refused = f"history-{int(account_id[-5:]) + 60_000}"
    (pce,) = household(world, account_id, date(Y, 1, 1))
    (closed,) = household(world, refused, date(Y, 1, 1))
    lose(world, closed)

    run = history(dags, "nobody-here", account_id, refused)

    assert run.state == "failed"
    assert run.tasks == {
        "plan": "success", "read0": "failed", "read1": "success", "read2": "failed", "announce": "success",
    }  # fmt: skip
    assert_stored_as_grdf(world, couchdb, account_id, pce, FIRST, END)
    assert len(events(dags, account_id)) == 3, "what could be read is announced although others failed"
    assert events(dags, refused) == []
    assert f"2 of 3 accounts could not be read: {refused}, nobody-here" in run.output
    assert "1 accounts, 1 calls" in run.output
    assert (world.book.get(refused) or {})["state"].startswith("USER_ACTION_NEEDED")


def test_a_form_upside_down_reads_nothing(world: LocalWorld, dags: Worker, account_id: str) -> None:
    household(world, account_id, date(Y, 1, 1))
    run = dags.run_named("grdf_history", form(END, FIRST, accounts=[account_id]))
    assert run.state == "failed"
    assert run.tasks["plan"] == "failed"
    assert run.calls == []
    assert "holds no day" in run.output


def test_an_accounts_own_dag_announces_what_its_load_changed(world: LocalWorld, dags: Worker, account_id: str) -> None:
    household(world, account_id, date(Y, 1, 1))
    assert dags.run(account_id).state == "success"
    first = events(dags, account_id)
    assert {event["asset"] for event in first} == {DAY, MONTH, YEAR}
    assert {event["dag"] for event in first} == {f"grdf_account__{account_id}"}
    assert dags.run(account_id).state == "success"
    assert events(dags, account_id) == first
