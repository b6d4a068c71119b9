"""With all of Airflow's components: an order in a name is carried out once, also if its run is cleared."""

from __future__ import annotations

import json
import os
import subprocess
import sys
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
CLEAR = """
import json, sys
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance, clear_task_instances
from airflow.utils.session import create_session
from sqlalchemy import select, update

told = json.load(sys.stdin)
with create_session() as session:
    tasks = session.scalars(select(TaskInstance).where(TaskInstance.run_id == told["run"])).all()
    clear_task_instances(list(tasks), session, *([] if told["with_run"] else [False]))
    session.flush()
    session.execute(update(DagRun).where(DagRun.run_id == told["run"]).values(_state="queued"))
"""
"""Clears a run as Airflow's command line does, which asks nobody."""


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


def start(airflow: AirflowStack, dag: str, form: dict[str, Any] | None = None) -> str:
    wait(lambda: airflow.api("GET", f"/dags/{dag}").ok)
    body = {"logical_date": None, "conf": FORMS[dag] if form is None else form}
    return str(send(airflow, "POST", f"/dags/{dag}/dagRuns", body)["dag_run_id"])


def end_of(airflow: AirflowStack, dag: str, run: str) -> str:
    return str(airflow.wait_for_runs({dag: run}, seconds=PATIENCE)[dag]["state"])


def task(airflow: AirflowStack, dag: str, run: str) -> dict[str, Any]:
    return dict(airflow.api("GET", f"/dags/{dag}/dagRuns/{quote(run)}/taskInstances/{TASKS[dag]}").json())


def clear(airflow: AirflowStack, run: str, *, with_run: bool) -> None:
    def tried() -> bool:
        told, env = json.dumps({"run": run, "with_run": with_run}), os.environ | airflow.env
        done = subprocess.run([sys.executable, "-c", CLEAR], input=told, env=env, text=True, timeout=300, check=False)
        return done.returncode == 0

    wait(tried)


@pytest.mark.parametrize(
    ("dag", "with_run"),
    [
        ("grdf_adopt_rights", True),
        ("grdf_import_accounts", True),
        ("grdf_send_proof", True),
    ],
)
def test_a_cleared_run_does_nothing(world: LocalWorld, airflow: AirflowStack, dag: str, with_run: bool) -> None:
    scene.put([scene.household(970)], "cleared.csv")
    staged = airflow.home / "grdf" / "staging" / "import"
    staged.mkdir(parents=True, exist_ok=True)
    (staged / "cleared.csv").write_bytes(scene.folder().content("cleared.csv") or b"")
    run = start(airflow, dag)
    assert end_of(airflow, dag, run) == "success", airflow.task_log(dag, run, TASKS[dag])
    world.control.clear_log()
    clear(airflow, run, with_run=with_run)
    assert end_of(airflow, dag, run) == "failed"
    said = airflow.task_log(dag, run, TASKS[dag])
    assert f"this run of {dag} was cleared" in said, said
    assert f"Start {dag} anew" in said
    assert task(airflow, dag, run)["try_number"] == 2, "it is not tried again"
    assert world.control.log() == []
    anew = start(airflow, dag)
    assert end_of(airflow, dag, anew) == "success", airflow.task_log(dag, anew, TASKS[dag])
