"""The watch over the fleet, with all of Airflow's components: silent accounts, their mail, and the deadline's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sqlalchemy import create_engine, text

from tests.promises import stack_adapter as product
from tests.promises.stack import ACCOUNTS, AUDIT, DATA, dag_of, wait

if TYPE_CHECKING:
    from tests.promises.stack import Stack

CHECK = "grdf_health"
READ, PAUSED = product.person(74, "promise-read"), product.person(75, "promise-paused")


def change(stack: Stack, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = stack.api(method, path, json=body)
    assert answer.ok, answer.text
    return dict(answer.json())


def test_silent_accounts_are_named_with_what_airflow_shows(stack: Stack) -> None:
    for who in (READ, PAUSED):
        stack.connect(who)
    for who in (READ, PAUSED):
        assert stack.first_run(who.account)["state"] == "success"
        document = stack.account(who.account)
        last = str(stack.yesterday() - timedelta(days=8))
        for reading in document["status"]["readings"].values():
            reading["years"] = {last[:4]: {"days": 1, "first": last, "last": last}}
        stack.put(ACCOUNTS, document)
        for day in stack.documents(DATA[0], f"{who.account}:"):
            if day["_id"].rpartition(":")[2] > last:
                stack.remove(DATA[0], day["_id"])
    change(stack, "PATCH", f"/dags/{dag_of(PAUSED.account)}", {"is_paused": True})
    log = stack.log_of(stack.ran(CHECK))
    named = {line.partition(":")[0]: line for line in log.splitlines()}
    assert f"{PAUSED.account} (newest day" in named["unread"]
    assert "its DAG is paused" in named["unread"]
    assert f"{READ.account} (newest day" in named["alone"]
    assert [READ.account in each for each in stack.mailbox.texts if PAUSED.account in each] == [True]
    assert PAUSED.account not in stack.log_of(stack.ran(CHECK)), "it is named once"


def set_back(stack: Stack, run: str, what: str, at: datetime) -> None:
    engine = create_engine(stack.airflow.env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"])
    with engine.begin() as connection:
        assert connection.execute(text(what), {"at": at.isoformat(" "), "run": run}).rowcount == 1
    engine.dispose()


def test_a_check_that_does_not_end_is_mailed(stack: Stack) -> None:
    pool = "/pools/default_pool?update_mask=slots"
    change(stack, "PATCH", pool, {"pool": "default_pool", "slots": 0})
    try:
        late = stack.start(CHECK)
        runs = "SELECT id FROM dag_run WHERE run_id = :run AND dag_id = 'grdf_health'"
        set_back(stack, late, f"UPDATE deadline SET deadline_time = :at WHERE dagrun_id = ({runs})", datetime.now(UTC))
        mails = wait(lambda: [each for each in stack.mailbox.texts if "has not ended" in each], "mail")
        assert "docs/runbook.md, deadline" in mails[-1]
        begun = datetime.now(UTC) - timedelta(hours=23, minutes=1)
        set_back(stack, late, f"UPDATE dag_run SET start_date = :at WHERE id = ({runs})", begun)
        assert stack.end(CHECK, late)["state"] == "failed"
    finally:
        change(stack, "PATCH", pool, {"pool": "default_pool", "slots": 128})


def miss_deadline(stack: Stack, run: str) -> None:
    runs = "SELECT id FROM dag_run WHERE run_id = :run AND dag_id = 'grdf_health'"
    set_back(stack, run, f"UPDATE deadline SET deadline_time = :at WHERE dagrun_id = ({runs})", datetime.now(UTC))


def test_a_check_that_is_red_is_mailed_about_once(stack: Stack) -> None:
    """By itself, with what it has found; or, if it could not, by its deadline."""
    begun = {"_id": "promise-stopped:0001", "account": "promise-stopped", "begun_at": "2026-01-01T00:00:00.000000Z"}
    stack.put(AUDIT, begun)
    try:
        red = stack.ran(CHECK)
    finally:
        stack.remove(AUDIT, begun["_id"])
    assert red["state"] == "failed"
    assert [each for each in stack.mailbox.texts if "promise-stopped" in each]
    pool = "/pools/default_pool?update_mask=slots"
    change(stack, "PATCH", pool, {"pool": "default_pool", "slots": 0})
    try:
        silent = stack.start(CHECK)
        change(stack, "PATCH", f"/dags/{CHECK}/dagRuns/{quote(silent)}", {"state": "failed"})
        miss_deadline(stack, red["dag_run_id"])
        miss_deadline(stack, silent)
        mails = wait(lambda: [each for each in stack.mailbox.texts if "has not said why" in each], "mail")
    finally:
        change(stack, "PATCH", pool, {"pool": "default_pool", "slots": 128})
    due = [each["run_after"] for each in stack.airflow.runs(CHECK) if each["dag_run_id"] == silent]
    assert [due[0] in each for each in mails] == [True]
