"""Once with all of Airflow's own parts: the form through the REST API, a person's approval, and what is left."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from include.gas.documents import dag_id
from include.sandbox.airflow_stack import ADMIN, APPROVER
from include.sandbox.processes import Processes
from tests.helpers import connect_cozy, wait, yesterday
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
from tests.stacks import airflow_at, staged

if TYPE_CHECKING:
    from include.sandbox.airflow_stack import AirflowStack
    from include.sandbox.local_world import LocalWorld

DAG = "grdf_delete_account"
PASSED_ON = {"AIRFLOW__GRDF__DELETION_AIRFLOW_CONN_ID": "airflow_api", "AIRFLOW__GRDF__RETRIES": "0"}


@pytest.fixture(scope="module")
def airflow(world: LocalWorld, airflow_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowStack]:
    """API server, scheduler and DAG processor, and what runs tasks; no triggerer: an approval needs none."""
    Couch(world).forget_accounts()  # those that other tests have connected would all run here
    home = tmp_path_factory.mktemp("stack")
    env = {
        **world.connections(),
        **PASSED_ON,
        "AIRFLOW__GRDF__ACCOUNTS_MAX_AGE": "1",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3",
        "AIRFLOW__DAG_PROCESSOR__STALE_DAG_THRESHOLD": "8",
        "AIRFLOW__DAG_PROCESSOR__DEACTIVATE_STALE_DAGS_INTERVAL": "3",
        "AIRFLOW__SCHEDULER__PARSING_CLEANUP_INTERVAL": "3",
    }
    with Processes() as processes:
        stack = airflow_at(home, env, processes, airflow_home / "airflow.db")
        api = {"conn_type": "http", "host": stack.url, "login": ADMIN, "password": stack.password}
        stack.env["AIRFLOW_CONN_AIRFLOW_API"] = json.dumps(api)
        stack.start(processes)
        yield stack


def send(airflow: AirflowStack, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Change something through the API; SQLite, which Airflow's parts share here, may be locked at that moment."""

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
    """Wait until the approval waits, and until the scheduler has heard that its first half has ended.

    Airflow 3.3.2 fails a task that is answered before that; a person is never so quick.
    """
    wait(lambda: task(airflow, run, "approve") == "awaiting_input")

    def heard() -> bool:
        lines = (airflow.home / "scheduler.log").read_text(encoding="utf-8", errors="replace").splitlines()
        heard = [line for line in lines if "Received executor event" in line and "'approve'" in line and run in line]
        return len(heard) >= times

    wait(heard)
    time.sleep(0.5)


def answer_to(airflow: AirflowStack, run: str, choice: str, by: str = APPROVER) -> None:
    """Answer as the second person, or as another one."""
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
    return str(airflow.wait_for_runs({DAG: run}, seconds=240)[DAG]["state"])


@pytest.fixture(scope="module")
def listed(world: LocalWorld, airflow: AirflowStack) -> tuple[str, tuple[str, ...]]:
    """A household whose own DAG has run, so that Airflow remembers something of it."""
    account = "leaver-90001"
    pces = connect_cozy(world, account, 1, conso_debut=str(yesterday(world) - timedelta(days=40)))
    wait(lambda: airflow.api("GET", f"/dags/{dag_id(account)}").ok)
    runs = airflow.wait_for_runs({dag_id(account): start(airflow, dag_id(account))}, seconds=240)
    assert runs[dag_id(account)]["state"] == "success"
    quiet(airflow, dag_id(account), "grdf_consents", "grdf_published")
    return account, pces


def quiet(airflow: AirflowStack, *dags: str) -> None:
    """Switch DAGs off and let their runs end, so that what changes from now on is the deletion's doing."""
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
    (right,) = rights(world, pces)
    before = couch.revisions()
    world.control.clear_log()

    dry = start(airflow, account=account, confirm=account)
    assert end_of(airflow, dry) == "success"
    assert f"* {right} (active)" in airflow.task_log(DAG, dry, "check")
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
    assert right in asked["body"]
    assert couch.revisions() == before, "it waits"
    answer_to(airflow, run, "Approve", by=ADMIN)
    wait(lambda: "admin asked for its deletion and cannot approve it too" in airflow.task_log(DAG, run, "approve"))
    parked(airflow, run, times=2)
    assert couch.revisions() == before, "it waits on"
    answer_to(airflow, run, "Approve")
    assert end_of(airflow, run) == "success"

    assert revocations(world) == [(right, 200, DELETE_CLIENT)]
    assert rights(world, pces) == {right: REVOKED}
    assert all(call["client_id"] in (DATA_CLIENT, DELETE_CLIENT, None) for call in world.control.log())
    assert couch.mentions(account, *pces, but=(AUDIT_DATABASE,)) == {}
    assert couch.mentions(*pces) == {}
    (record,) = couch.records(account)
    assert (record["asked_by"], record["approved_by"], record["run"]) == (ADMIN, APPROVER, run)
    assert record["airflow_history"] == "removed"
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


def test_two_at_once(world: LocalWorld, airflow: AirflowStack) -> None:
    """Both are approved at the same time: Airflow knows that the first one still runs, and the second stops."""
    account = "leaver-90002"
    pces = household(world, account)
    fill(world, account, ("GI000001",))
    runs = [start(airflow, account=account, confirm=account, dry_run=False) for _ in range(2)]
    for run in runs:
        parked(airflow, run)
    for run in runs:
        answer_to(airflow, run, "Approve")
    ended = {run: end_of(airflow, run) for run in runs}
    assert sorted(ended.values()) == ["failed", "success"]
    loser = next(run for run, state in ended.items() if state == "failed")
    assert "another deletion" in airflow.task_log(DAG, loser, "mark_leaving")
    assert set(rights(world, pces).values()) == {REVOKED}
    (record,) = Couch(world).records(account)
    assert record["finished_at"]
    assert record["run"] != loser
