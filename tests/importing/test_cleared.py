"""With all of Airflow's components: a run that was cleared does nothing, and Airflow's own next try continues."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from include.sandbox.processes import Processes
from tests.helpers import PATIENCE, wait
from tests.importing import scene
from tests.stacks import airflow_at

if TYPE_CHECKING:
    from include.sandbox.airflow_stack import AirflowStack
    from include.sandbox.local_world import LocalWorld

RUNS_ALONE = True  # ./grdf test runs this in a separate process (tests/suite/groups.py)
RETRIED = {"AIRFLOW__GRDF__RETRIES": "2", "AIRFLOW__GRDF__RETRY_SECONDS": "1"}
FORMS: dict[str, dict[str, Any]] = {
    "grdf_adopt_rights": {"dry_run": False}, "grdf_import_accounts": {"file": "cleared.csv"}, "grdf_send_proof": {},
}  # fmt: skip
TASKS = {"grdf_adopt_rights": "adopt_rights", "grdf_import_accounts": "import_accounts", "grdf_send_proof": "send"}


@pytest.fixture(scope="module")
def airflow(world: LocalWorld, airflow_home: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowStack]:
    with Processes() as processes:
        home = tmp_path_factory.mktemp("stack")
        stack = airflow_at(home, {**world.connections(), **RETRIED}, processes, airflow_home / "airflow.db")
        stack.start(processes)
        yield stack


def send(airflow: AirflowStack, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Change something through the API. Retry if SQLite, which Airflow's components share here, is locked."""

    def tried() -> Any:
        answer = airflow.api(method, path, json=body)
        return None if answer.status_code == 500 else (answer,)

    (answer,) = wait(tried)
    assert answer.ok, answer.text
    return dict(answer.json())


def start(airflow: AirflowStack, dag: str) -> str:
    wait(lambda: airflow.api("GET", f"/dags/{dag}").ok)
    return str(send(airflow, "POST", f"/dags/{dag}/dagRuns", {"logical_date": None, "conf": FORMS[dag]})["dag_run_id"])


def end_of(airflow: AirflowStack, dag: str, run: str) -> str:
    return str(airflow.wait_for_runs({dag: run}, seconds=PATIENCE)[dag]["state"])


def task(airflow: AirflowStack, dag: str, run: str) -> dict[str, Any]:
    return dict(airflow.api("GET", f"/dags/{dag}/dagRuns/{quote(run)}/taskInstances/{TASKS[dag]}").json())


def clear(airflow: AirflowStack, dag: str, run: str, how: str) -> None:
    if how == "run":
        send(airflow, "POST", f"/dags/{dag}/dagRuns/{quote(run)}/clear", {"dry_run": False, "only_failed": False})
        return
    body = {"dry_run": False, "dag_run_id": run, "only_failed": False, "reset_dag_runs": how == "task"}
    send(airflow, "POST", f"/dags/{dag}/clearTaskInstances", body)
    if how == "task without its run":
        send(airflow, "PATCH", f"/dags/{dag}/dagRuns/{quote(run)}", {"state": "queued"})


@pytest.mark.parametrize(
    ("dag", "how"),
    [
        ("grdf_adopt_rights", "run"),
        ("grdf_adopt_rights", "task without its run"),
        ("grdf_import_accounts", "task"),
        ("grdf_send_proof", "run"),
    ],
)
def test_a_cleared_run_does_nothing(world: LocalWorld, airflow: AirflowStack, dag: str, how: str) -> None:
    scene.put([scene.household(970)], "cleared.csv")
    staged = airflow.home / "grdf" / "staging" / "import"
    staged.mkdir(parents=True, exist_ok=True)
    (staged / "cleared.csv").write_bytes(scene.folder().read("cleared.csv") or b"")
    run = start(airflow, dag)
    assert end_of(airflow, dag, run) == "success", airflow.task_log(dag, run, TASKS[dag])
    world.control.clear_log()
    clear(airflow, dag, run, how)
    assert end_of(airflow, dag, run) == "failed"
    said = airflow.task_log(dag, run, TASKS[dag])
    assert f"this run of {dag} was cleared" in said, said
    assert f"Start {dag} anew" in said
    assert task(airflow, dag, run)["try_number"] == 2, "it is not tried again"
    assert world.control.log() == []
    anew = start(airflow, dag)
    assert end_of(airflow, dag, anew) == "success", airflow.task_log(dag, anew, TASKS[dag])


def test_a_killed_task_is_tried_again_and_continues(world: LocalWorld, airflow: AirflowStack) -> None:
    dag = "grdf_adopt_rights"
    world.control.fault("/droits_acces$", delay_s=30, times=1)
    run = start(airflow, dag)
    found = wait(lambda: each if (each := task(airflow, dag, run)).get("state") == "running" and each["pid"] else None)
    os.kill(found["pid"], signal.SIGKILL)
    assert end_of(airflow, dag, run) == "success", airflow.task_log(dag, run, TASKS[dag])
    assert task(airflow, dag, run)["try_number"] >= 2  # 3 if it was killed before GRDF's late answer could hit it


def test_a_failed_try_is_followed_by_another(world: LocalWorld, airflow: AirflowStack) -> None:
    dag = "grdf_adopt_rights"
    world.control.fault("/droits_acces$", status=503, times=1)
    run = start(airflow, dag)
    assert end_of(airflow, dag, run) == "success", airflow.task_log(dag, run, TASKS[dag])
    assert task(airflow, dag, run)["try_number"] == 2
