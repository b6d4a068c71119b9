"""With all of Airflow's components: what it remembers of who left, two deletions at once, and one that is cleared."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from include.gas.documents.gas_days import dag_id
from include.sandbox.airflow_stack import ADMIN, APPROVER
from include.sandbox.processes import Processes
from tests.helpers import PATIENCE, connect_cozy, wait, yesterday
from tests.leaving.household import (
    ACTIVE,
    REVOKED,
    Couch,
    fill,
    household,
    rights,
)
from tests.stacks import airflow_at

if TYPE_CHECKING:
    from include.sandbox.airflow_stack import AirflowStack
    from include.sandbox.local_world import LocalWorld

RUNS_ALONE = True  # ./grdf test runs this in a separate process (tests/suite/groups.py)
DAG = "grdf_delete_account"
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


def test_its_runs_go_and_those_of_others_stay(world: LocalWorld, airflow: AirflowStack) -> None:
    """Of its own DAG, and of others that named it or worked on all accounts."""
    account, stays, last = "leaver-90001", "stayer-90009", yesterday(world)
    for each in (account, stays):
        connect_cozy(world, each, 1, conso_debut=str(last - timedelta(days=40)))
        wait(lambda each=each: airflow.api("GET", f"/dags/{dag_id(each)}").ok)
    runs = {dag_id(each): start(airflow, dag_id(each)) for each in (account, stays)}
    assert {run["state"] for run in airflow.wait_for_runs(runs, seconds=PATIENCE).values()} == {"success"}
    days = {"from": str(last - timedelta(days=30)), "to": str(last), "include_definitive": True}
    for named in ([account, stays], [], [stays]):
        run = start(airflow, "grdf_history", accounts=named, **days)
        airflow.wait_for_runs({"grdf_history": run}, seconds=PATIENCE)
    run = start(airflow, account=account, confirm=account, dry_run=False)
    parked(airflow, run)
    answer_to(airflow, run, "Approve")
    assert end_of(airflow, run) == "success"
    (record,) = Couch(world).records(account)
    assert record["airflow_history"]["not_ended"] == []
    assert airflow.runs(dag_id(account)) == []
    assert [each["conf"]["accounts"] for each in airflow.runs("grdf_history")] == [[stays]]
    assert airflow.runs(dag_id(stays))
    logs = airflow.home / "logs"
    assert not (logs / f"dag_id={dag_id(account)}").exists()
    assert len(list((logs / "dag_id=grdf_history").glob("run_id=*"))) <= 1


def test_two_at_once(world: LocalWorld, airflow: AirflowStack) -> None:
    """Both are approved at the same time: the one that begins last takes over, and all is gone in the end."""
    account = "leaver-90002"
    pces = household(world, account)
    fill(world, account, ("GI000001",))
    runs = [start(airflow, account=account, confirm=account, dry_run=False) for _ in range(2)]
    for run in runs:
        parked(airflow, run)
    for run in runs:
        answer_to(airflow, run, "Approve")
    wait(lambda: [record for record in Couch(world).records(account) if record["finished_at"]])
    assert set(rights(world, pces).values()) == {REVOKED}
    assert not world.book.get(account)
    assert len(Couch(world).records(account)) == 1


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
