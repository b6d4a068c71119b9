"""With all of Airflow's components: the form through the REST API, a person's approval, and what remains."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from include.gas.documents.gas_days import dag_id
from include.sandbox.adict.meter_data import meters
from include.sandbox.airflow_stack import ADMIN, APPROVER
from include.sandbox.processes import Processes
from tests.helpers import PATIENCE, connect_cozy, holder, wait, yesterday
from tests.leaving.household import (
    ACTIVE,
    AUDIT_DATABASE,
    DATA_CLIENT,
    DELETE_CLIENT,
    REVOKED,
    Couch,
    fill,
    household,
    revocations,
    rights,
)
from tests.leaving.memory import columns_with, rows
from tests.stacks import airflow_at, staged

if TYPE_CHECKING:
    from include.sandbox.airflow_stack import AirflowStack
    from include.sandbox.local_world import LocalWorld

RUNS_ALONE = True  # ./grdf test runs this in a separate process (tests/suite/groups.py)
DAG = "grdf_delete_account"
NEIGHBOUR = "stayer-90009"
REMEMBERED = {
    *("asset_event.extra", "asset_event.source_dag_id", "log.dag_id", "log.extra"),
    *("dag_run.conf", "rendered_task_instance_fields.rendered_fields", "xcom.value"),
    *("hitl_detail.body", "hitl_detail.subject"),
}
"""Where an account's id remains because Airflow's API cannot remove it, as the README says."""
PERSON = ("Durand-Invente", "m.durand@example.org")
PASSED_ON = {"AIRFLOW__GRDF__AIRFLOW_CONN_ID": "airflow_api", "AIRFLOW__GRDF__RETRIES": "0"}


@pytest.fixture(scope="module")
def airflow(world: LocalWorld, airflow_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowStack]:
    """API server, scheduler and DAG processor, which run tasks. Approvals need no triggerer."""
    Couch(world).forget_accounts()  # otherwise the accounts of other tests would all run here
    home = tmp_path_factory.mktemp("stack")
    env = {
        **world.connections(),
        **PASSED_ON,
        "AIRFLOW__SCHEDULER__PARSING_CLEANUP_INTERVAL": "3",
    }
    with Processes() as processes:
        stack = airflow_at(home, env, processes, airflow_home / "airflow.db")
        api = {"conn_type": "http", "host": stack.url, "login": ADMIN, "password": stack.password}
        stack.env["AIRFLOW_CONN_AIRFLOW_API"] = json.dumps(api)
        stack.start(processes)
        yield stack


def send(airflow: AirflowStack, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Change something through the API. Retry if SQLite, which Airflow's components share here, is locked."""

    def tried() -> requests.Response | None:
        answer = airflow.api(method, path, json=body)
        return None if answer.status_code == 500 else answer

    answer = wait(tried)
    assert answer.ok, answer.text
    return dict(answer.json())


def start(airflow: AirflowStack, dag: str = DAG, **conf: Any) -> str:
    return str(send(airflow, "POST", f"/dags/{dag}/dagRuns", {"logical_date": None, "conf": conf})["dag_run_id"])


def task(airflow: AirflowStack, run: str, name: str) -> str | None:
    answer = airflow.api("GET", f"/dags/{DAG}/dagRuns/{run}/taskInstances/{name}")
    return answer.json().get("state")


def tasks(airflow: AirflowStack, run: str) -> dict[str, str]:
    answer = airflow.api("GET", f"/dags/{DAG}/dagRuns/{run}/taskInstances")
    return {each["task_id"]: each["state"] for each in answer.json()["task_instances"]}


def parked(airflow: AirflowStack, run: str, times: int = 1) -> None:
    """Wait until the approval is pending and the scheduler has noticed it.

    Airflow 3.3.2 fails a task that is answered before that. A person is never that fast.
    """
    wait(lambda: task(airflow, run, "approve") == "awaiting_input")

    def heard() -> bool:
        lines = (airflow.home / "scheduler.log").read_text(encoding="utf-8", errors="replace").splitlines()
        heard = [line for line in lines if "Received executor event" in line and "'approve'" in line and run in line]
        return len(heard) >= times

    wait(heard)
    time.sleep(0.5)


def answer_to(airflow: AirflowStack, run: str, choice: str, by: str = APPROVER) -> None:
    """Answer as the second person, or as another user."""
    path = f"/dags/{DAG}/dagRuns/{run}/taskInstances/approve/-1/hitlDetails"
    password = {APPROVER: airflow.approver_password, ADMIN: airflow.password}[by]
    token = {"Authorization": f"Bearer {airflow.token(by, password)}"}
    body = {"chosen_options": [choice], "params_input": {}}

    def tried() -> requests.Response | None:
        answer = airflow.api("PATCH", path, json=body, headers=token)
        return None if answer.status_code == 500 else answer

    answer = wait(tried)
    assert answer.ok, answer.text


def end_of(airflow: AirflowStack, run: str) -> str:
    return str(airflow.wait_for_runs({DAG: run}, seconds=PATIENCE)[DAG]["state"])


@pytest.fixture(scope="module")
def listed(world: LocalWorld, airflow: AirflowStack) -> tuple[str, tuple[str, ...]]:
    """A household about which Airflow remembers as much as possible, and a neighbour's DAG, which stays."""
    account, last = "leaver-90001", yesterday(world)
    pces = connect_cozy(world, account, 1, conso_debut=str(last - timedelta(days=40)))
    connect_cozy(world, NEIGHBOUR, 1, conso_debut=str(last - timedelta(days=40)))
    both = [account, NEIGHBOUR]
    for each in both:
        wait(lambda each=each: airflow.api("GET", f"/dags/{dag_id(each)}").ok)
    own = {dag_id(each): start(airflow, dag_id(each)) for each in both}
    assert {run["state"] for run in airflow.wait_for_runs(own, seconds=PATIENCE).values()} == {"success"}
    for at, named in enumerate((both, [], [NEIGHBOUR])):  # two accounts, all accounts, and only another account
        for pce in pces:
            world.control.correct(pce, last - timedelta(days=20 + at), 77 + at)
        days = {"from": str(last - timedelta(days=30)), "to": str(last), "include_definitive": True}
        ended(airflow, "grdf_history", accounts=named, **days)
    ended(airflow, "grdf_published", accounts=both)
    ended(airflow, "grdf_consents", accounts=[account], dry_run=True)
    ended(airflow, "grdf_adopt_konnector", account=account, dry_run=True)
    pces = (*pces, is_declared(world, airflow, account))
    quiet(airflow, *own, "grdf_consents", "grdf_published", "grdf_history")
    # These wait because their DAGs are paused: one of the project's, and one that stands for any other DAG.
    start(airflow, "grdf_example_consumer", account=account)
    start(airflow, "grdf_history", accounts=both, **days)
    return account, pces


def is_declared(world: LocalWorld, airflow: AirflowStack, account: str) -> str:
    """Let the household have one more meter declared, whose holder accepts. Return the meter."""
    pce = holder(account, 2).pces[1]
    meter = meters.find(pce)
    assert meter
    given = {"pce": pce, "name": PERSON[0], "email": PERSON[1], "postcode": meter.postcode}
    world.book.save((world.book.get(account) or {}) | {"declaration": given})
    ended(airflow, dag_id(account))
    (right,) = [each for each in world.control.consents() if each["id_pce"] == pce]
    world.control.answer(right["id_droit_acces"])
    ended(airflow, "grdf_waiting_rights")
    started = [run for run in airflow.runs(dag_id(account)) if run["triggered_by"] == "operator"]
    assert len(started) == 1
    airflow.wait_for_runs({dag_id(account): started[0]["dag_run_id"]}, seconds=PATIENCE)
    return pce


def ended(airflow: AirflowStack, dag: str, **conf: Any) -> None:
    """Start a DAG and wait for its end."""
    done = airflow.wait_for_runs({dag: start(airflow, dag, **conf)}, seconds=PATIENCE)[dag]
    assert done["state"] in ("success", "failed")


def quiet(airflow: AirflowStack, *dags: str) -> None:
    """Pause DAGs and wait for their runs to end, so that later changes are caused by the deletion."""
    for dag in dags:
        wait(lambda dag=dag: airflow.api("PATCH", f"/dags/{dag}", json={"is_paused": True}).ok)
    ended = {"success", "failed"}
    wait(lambda: all(run["state"] in ended for dag in dags for run in airflow.runs(dag)))


def test_the_api_refuses_what_the_form_would_not_send(airflow: AirflowStack) -> None:
    wait(lambda: airflow.api("GET", f"/dags/{DAG}").ok)
    wrong = (
        {"dry_run": "false"},
        {"dry_run": 0},
        {"dry_run": None},
        {"keep_data": "yes"},
        {"account": 5},
        {"confirm": []},
    )
    for conf in wrong:
        answer = airflow.api("POST", f"/dags/{DAG}/dagRuns", json={"logical_date": None, "conf": conf})
        assert answer.status_code == 400, answer.text
    assert airflow.runs(DAG) == []


def test_the_first_task_refuses_what_the_api_let_through(
    world: LocalWorld, airflow: AirflowStack, listed: tuple[str, tuple[str, ...]]
) -> None:
    account, pces = listed
    before = Couch(world).revisions()
    run = start(airflow, account=account, confirm=account.upper(), dry_run=False)
    assert end_of(airflow, run) == "failed"
    assert "confirmation says" in airflow.task_log(DAG, run, "check")
    assert set(tasks(airflow, run).values()) == {"failed", "upstream_failed"}
    assert Couch(world).revisions() == before
    assert set(rights(world, pces).values()) == {ACTIVE}


def test_from_the_form_to_nothing_left(
    world: LocalWorld, airflow: AirflowStack, listed: tuple[str, tuple[str, ...]]
) -> None:
    account, pces = listed
    own, couch = dag_id(account), Couch(world)
    mine = rights(world, pces)
    before = couch.revisions()
    world.control.clear_log()

    dry = start(airflow, account=account, confirm=account)
    assert end_of(airflow, dry) == "success"
    assert all(f"* {right} (active)" in airflow.task_log(DAG, dry, "check") for right in mine)
    assert tasks(airflow, dry)["approve"] == "skipped"
    rejected = start(airflow, account=account, confirm=account, dry_run=False)
    parked(airflow, rejected)
    answer_to(airflow, rejected, "Reject", by=ADMIN)
    assert end_of(airflow, rejected) == "success"
    assert {tasks(airflow, rejected)[name] for name in ("mark_leaving", "revoke", "purge", "report")} == {"skipped"}
    assert couch.revisions() == before
    assert revocations(world) == []

    run = start(airflow, account=account, confirm=account, dry_run=False)
    parked(airflow, run)
    asked = airflow.api("GET", f"/dags/{DAG}/dagRuns/{run}/taskInstances/approve/-1/hitlDetails").json()
    assert asked["subject"] == f"Delete account {account}? This cannot be undone."
    assert all(right in asked["body"] for right in mine)
    assert couch.revisions() == before, "it waits"
    answer_to(airflow, run, "Approve", by=ADMIN)
    wait(lambda: "admin asked for its deletion and cannot approve it as well" in airflow.task_log(DAG, run, "approve"))
    parked(airflow, run, times=2)
    assert couch.revisions() == before, "it waits on"
    answer_to(airflow, run, "Approve")
    assert end_of(airflow, run) == "success"

    assert sorted(revocations(world)) == sorted((right, 200, DELETE_CLIENT) for right in mine)
    assert rights(world, pces) == dict.fromkeys(mine, REVOKED)
    assert all(call["client_id"] in (DATA_CLIENT, DELETE_CLIENT, None) for call in world.control.log())
    assert couch.mentions(account, *pces, but=(AUDIT_DATABASE,)) == {}
    assert couch.mentions(*pces) == {}
    (record,) = couch.records(account)
    assert (record["asked_by"], record["approved_by"], record["run"]) == (ADMIN, APPROVER, run)
    assert record["finished_at"]
    assert record["removed"]["com.grandlyon.grdf.day"] > 30
    assert not any(account in name for name in staged(airflow))

    assert airflow.runs(own) == []
    assert airflow.api("GET", f"/dags/{own}").status_code == 404
    assert airflow.api("GET", f"/dags/{own}/dagRuns/~/taskInstances/~/xcomEntries").json().get("xcom_entries", []) == []
    assert not (airflow.home / "logs" / f"dag_id={own}").exists()
    variables = airflow.api("GET", "/variables").json()["variables"]
    assert not any(word in json.dumps(each) for each in variables for word in (account, *pces))
    result = airflow.api("GET", f"/dags/{DAG}/dagRuns/{run}/taskInstances/report/xcomEntries/return_value").json()
    assert "revoked" in json.dumps(result["value"])
    everything = "".join(airflow.task_log(DAG, run, name) for name in tasks(airflow, run))
    assert world.facts["delete_client_secret"] not in everything
    assert not any(pce in everything for pce in pces)
    assert "Bearer" not in everything
    time.sleep(7)  # two passes of the DAG processor
    assert airflow.api("GET", f"/dags/{own}").status_code == 404, "the DAG does not come back"


def test_what_airflow_still_remembers_is_what_the_record_says(
    world: LocalWorld, airflow: AirflowStack, listed: tuple[str, tuple[str, ...]]
) -> None:
    """Every column of every table is read. The account's id is only where the record says, its days are nowhere."""
    account, pces = listed
    (record,) = Couch(world).records(account)
    history = record["airflow_history"]
    days = [str(yesterday(world) - timedelta(days=back)) for back in range(12, 29)]
    assert columns_with(airflow, *pces) == {}
    assert columns_with(airflow, *PERSON) == {}
    assert columns_with(airflow, *days, beside=account) == {}
    told = columns_with(airflow, account)
    assert set(told) == REMEMBERED, json.dumps(told, indent=1)
    assert set(told) <= {column for each in history["kept"] for column in each["columns"]}

    assert history["removed"].pop(dag_id(account)) >= 1  # by hand, and perhaps by the timetable
    assert history["removed"] == {
        DAG: 3,  # a form with a wrong confirmation, a dry run, and a rejected deletion
        "grdf_history": 2,  # both accounts, and all; not the neighbour's own
        "grdf_published": 1,
        "grdf_consents": 1,
        "grdf_adopt_konnector": 1,
        "grdf_waiting_rights": 1,
    }
    (waiting,) = airflow.api("GET", "/dags/grdf_history/dagRuns?state=queued").json()["dag_runs"]
    events = sum(
        any(account in value for value in row.values()) for name, row in rows(airflow) if name == "asset_event"
    )
    assert events >= 9, "three for each of the three loads that changed something"
    for what in (
        f"run(s) that had not ended: grdf_history {waiting['dag_run_id']}",
        f"{events} asset event(s)",
        "run(s) of other DAGs whose configuration names the account: 1 of grdf_example_consumer",
        "audit log",
        "this run of grdf_delete_account",
        "log lines with the account's id",
    ):
        assert sum(what in each["what"] for each in history["kept"]) == 1, history["kept"]
    assert all(each["why"] for each in history["kept"])
    assert [run["dag_run_id"] for run in airflow.runs(DAG)] == [record["run"]]
    assert len(airflow.runs("grdf_history")) == 2, "one that waits, and one that is the neighbour's alone"
    assert airflow.runs(dag_id(NEIGHBOUR))
    assert len(list((airflow.home / "logs" / "dag_id=grdf_history").glob("run_id=*"))) <= 1


def test_what_the_record_calls_a_matter_of_db_clean_is_one(
    airflow: AirflowStack, listed: tuple[str, tuple[str, ...]]
) -> None:
    account, _ = listed
    command = [
        *(sys.executable, "-m", "airflow", "db", "clean", "--tables", "asset_event,log", "--skip-archive", "--yes"),
        *("--clean-before-timestamp", datetime.now(UTC).isoformat()),
    ]
    done = subprocess.run(
        command, env=os.environ | airflow.env, cwd=airflow.home, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    left = columns_with(airflow, account)
    assert not any(name.startswith(("asset_event.", "log.", "_airflow_deleted")) for name in left), left


def test_two_at_once(world: LocalWorld, airflow: AirflowStack) -> None:
    """Both are approved at the same time. Airflow knows that the first one is still running; the second one stops."""
    account = "leaver-90002"
    pces = household(world, account)
    fill(world, account, ("GI000001",))
    runs = [start(airflow, account=account, confirm=account, dry_run=False) for _ in range(2)]
    for run in runs:
        parked(airflow, run)
    for run in runs:
        answer_to(airflow, run, "Approve")
    # The one that stops ends before the other one removes what Airflow remembers, including that run.
    loser = wait(lambda: next((run for run in runs if task(airflow, run, "mark_leaving") == "failed"), None))
    assert "another deletion" in airflow.task_log(DAG, loser, "mark_leaving")
    (winner,) = set(runs) - {loser}
    assert end_of(airflow, winner) == "success"
    assert set(rights(world, pces).values()) == {REVOKED}
    (record,) = Couch(world).records(account)
    assert record["finished_at"]
    assert record["run"] != loser


def test_what_is_cleared_still_needs_two_persons(world: LocalWorld, airflow: AirflowStack) -> None:
    """A rejected deletion is cleared together with a run of another DAG: nothing refuses that, and it asks anew."""
    account, second = "leaver-90003", {"Authorization": f"Bearer {airflow.token(APPROVER, airflow.approver_password)}"}
    pces = household(world, account)
    fill(world, account, ("GI000001",))
    other = start(airflow, "grdf_adopt_konnector", account=account, dry_run=True)
    airflow.wait_for_runs({"grdf_adopt_konnector": other}, seconds=PATIENCE)
    run = start(airflow, account=account, confirm=account, dry_run=False)
    parked(airflow, run)
    answer_to(airflow, run, "Reject")
    assert end_of(airflow, run) == "success"
    cleared = [{"dag_id": DAG, "dag_run_id": run}, {"dag_id": "grdf_adopt_konnector", "dag_run_id": other}]
    body = {"dag_runs": cleared, "dry_run": False, "only_failed": False}
    answer = wait(lambda: _unless_locked(airflow.api("POST", "/dags/~/clearDagRuns", json=body, headers=second)))
    assert answer.status_code == 200, answer.text
    parked(airflow, run, times=3)  # after the one before, and its end
    answer_to(airflow, run, "Approve", by=ADMIN)
    wait(lambda: "admin asked for its deletion and cannot approve it as well" in airflow.task_log(DAG, run, "approve"))
    parked(airflow, run, times=4)
    assert set(rights(world, pces).values()) == {ACTIVE}
    answer_to(airflow, run, "Approve")
    assert end_of(airflow, run) == "success", "".join(airflow.task_log(DAG, run, name) for name in tasks(airflow, run))
    assert set(rights(world, pces).values()) == {REVOKED}
    (record,) = Couch(world).records(account)
    assert (record["asked_by"], record["approved_by"]) == (ADMIN, APPROVER)


def _unless_locked(answer: requests.Response) -> requests.Response | None:
    return None if answer.status_code == 500 else answer
