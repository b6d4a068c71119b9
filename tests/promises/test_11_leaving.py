"""Promise 11: a household leaves by a plan, a second person's approval, and a secret that nothing else uses."""

from __future__ import annotations

import json
import os
import signal

import psutil
import pytest

from tests.promises import stack_adapter as product
from tests.promises.departures import DELETION, SHARED, SHARER, Departure, answer, records_of, revoked_by
from tests.promises.stack import DATA, KILLED, LEAVER, PEOPLE, STAYER, Stack, dag_of, wait


def everything(stack: Stack, account: str) -> dict[str, object]:
    """Return an account's document but for what any run may write anew, and the revisions of its others."""
    found = {each["_id"]: each["_rev"] for name in DATA for each in stack.documents(name, account)}
    known = {name: value for name, value in stack.account(account).items() if name not in ("_rev", "status")}
    return {**found, **known}


def test_a_dry_run_and_a_refusal_change_nothing(stack: Stack) -> None:
    who = PEOPLE[STAYER]
    assert stack.first_run(STAYER)["state"] == "success"
    before, rights = everything(stack, STAYER), stack.rights(who)
    dry = stack.start(DELETION, account=STAYER, confirm=STAYER)
    refused = stack.start(DELETION, account=STAYER, confirm=STAYER, dry_run=False)
    wrong = stack.start(DELETION, account=STAYER, confirm=STAYER.upper(), dry_run=False)
    ended = stack.end(DELETION, dry)
    plan = stack.log_of(ended)
    assert ended["state"] == "success"
    assert STAYER in plan
    assert all(right in plan for right in rights)
    assert not any(word in plan for word in who.personal)
    failed = stack.end(DELETION, wrong)
    assert failed["state"] == "failed", "the id must be typed twice"
    assert STAYER in stack.log_of(failed)
    answer(stack, refused, "Reject")
    assert "failed" not in stack.tasks(stack.end(DELETION, refused)).values()
    assert everything(stack, STAYER) == before
    assert stack.rights(who) == rights


def test_what_is_no_form_is_refused(stack: Stack) -> None:
    wait(lambda: stack.has_dag(DELETION), DELETION)
    for wrong in ({"dry_run": "false"}, {"keep_data": "yes"}, {"account": 5}, {"confirm": []}):
        conf = {"account": STAYER, "confirm": STAYER} | wrong
        answered = stack.api("POST", f"/dags/{DELETION}/dagRuns", json={"logical_date": None, "conf": conf})
        assert answered.status_code == 400, wrong


def test_who_asked_cannot_approve(stack: Stack, departed: dict[str, Departure]) -> None:
    left = departed[LEAVER]
    documents, active = left.own_answer
    assert documents > 10
    assert active == len(left.rights) == 1
    (record,) = records_of(stack, LEAVER)
    assert [record[name].split()[-1] for name in ("asked_by", "approved_by")] == ["admin", "approver"]


def test_all_is_gone_but_a_record_without_a_person(stack: Stack, departed: dict[str, Departure]) -> None:
    left = departed[LEAVER]
    assert left.run["state"] == "success", left.logs
    assert set(stack.rights(left.who).values()) == {"Révoquée"}
    assert everything(stack, LEAVER) == {}
    (record,) = records_of(stack, LEAVER)
    text = json.dumps(record, ensure_ascii=False)
    assert all(right in text for right in left.rights), "which rights were revoked"
    assert [word for word in left.who.personal if word in text] == []
    assert stack.api("GET", f"/dags/{dag_of(LEAVER)}").status_code == 404
    wait(lambda: stack.has_dag(dag_of(STAYER)), "neighbour's DAG")
    assert stack.days(STAYER, PEOPLE[STAYER].pces[0])


def test_only_the_deletion_s_secret_revokes_and_does_nothing_else(stack: Stack, departed: dict[str, Departure]) -> None:
    """It is in the environment of what runs the deletion's tasks: the API server revokes nothing without it."""
    assert all(revoked_by(stack, right) == [product.DELETE_CLIENT] for right in departed[LEAVER].rights)
    used = [call["path"] for call in stack.grdf.log() if call["client_id"] == product.DELETE_CLIENT]
    assert not [path for path in used if "/pce/" in path], "it reads no household's data"
    secret = stack.world.facts["delete_client_secret"]
    assert not [name for name, value in stack.airflow.env.items() if secret in value]
    assert stack.logs_with(secret) == {}


def test_a_right_that_another_account_uses_stays(stack: Stack, departed: dict[str, Departure]) -> None:
    left = departed[SHARED.account]
    assert left.run["state"] == "success", left.logs
    assert stack.rights(SHARED) == left.rights
    assert set(left.rights.values()) == {"Active"}
    assert stack.account(SHARER)["oauth_callback_results"]["pce_id"] == SHARED.pces[0]
    assert everything(stack, SHARED.account) == {}


def task_process(stack: Stack, run: str) -> tuple[str, psutil.Process] | None:
    """Return the task of a run that is at work, and its process: Airflow calls it by the id of the task's instance."""
    answer = stack.api("GET", f"/dags/{DELETION}/dagRuns/{run}/taskInstances").json()
    running = {each["id"]: each["task_id"] for each in answer["task_instances"] if each["state"] == "running"}
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or []).split()
        if line and line[-1] in running and "LocalExecutor:" not in line:
            return running[line[-1]], process
    return None


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_killed_deletion_is_finished_by_the_next(stack: Stack, moment: str) -> None:
    who = PEOPLE[KILLED] if moment == "before" else product.person(72, "promise-killed-after")
    if moment == "after":
        stack.connect(who)
    assert stack.first_run(who.account)["state"] == "success"
    (right,) = stack.rights(who)
    slow = {"method": "PATCH", "status": None, "delay_s": 25.0, "after": moment == "after"}
    stack.grdf.fault(f"/{right}", times=1, **slow)
    run = stack.start(DELETION, account=who.account, confirm=who.account, dry_run=False)
    answer(stack, run, "Approve")
    wanted = "Révoquée" if moment == "after" else "Active"

    def in_the_middle() -> tuple[str, psutil.Process] | None:
        found = task_process(stack, run)
        asked = not any(each["path"] == f"/{right}" for each in stack.grdf.settings()["faults"])
        return found if found and asked and stack.rights(who)[right] == wanted else None

    task, process = wait(in_the_middle, "revocation under way")
    os.kill(process.pid, signal.SIGKILL)
    ended = stack.end(DELETION, run)
    assert ended["state"] == "failed"
    assert stack.tasks(ended)[task] == "failed"
    assert records_of(stack, who.account) == []
    again = stack.start(DELETION, account=who.account, confirm=who.account, dry_run=False)
    answer(stack, again, "Approve")
    ended = stack.end(DELETION, again)
    assert ended["state"] == "success", stack.log_of(ended)
    assert stack.rights(who) == {right: "Révoquée"}
    assert everything(stack, who.account) == {}
    (record,) = records_of(stack, who.account)
    assert record["finished_at"]
