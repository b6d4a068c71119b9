"""What scheduler and DAG processor import before they fork: all that tasks or DAG files need, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.dags.parsing import PATH, forked
from tests.forks import Forks

OURS = ("grdf.", "include.", "cloudant", "requests")
DAGS = Path(__file__).parents[2] / "dags"
BEFORE = """
import json, os, pathlib, runpy, sys, threading, warnings
warnings.simplefilter("ignore")
import airflow.sdk, airflow.plugins_manager, airflow.executors.local_executor
from airflow.listeners.listener import get_listener_manager
"""
CODE = f"""
{BEFORE}
sys.argv = ["airflow", *sys.argv[1:]]
listeners = {{getattr(each, "__name__", ""): each for each in get_listener_manager().pm.get_plugins()}}
before, files = set(sys.modules), len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
listeners["grdf.airflow.preload"].on_starting(component=None)
loaded = set(sys.modules) - before
opened = len(os.listdir("/proc/self/fd")) - files if files else 0
threads = threading.active_count()

late = []
if "scheduler" in sys.argv:
    # What a task does: build its DAG, then reach for its hooks.
    from grdf.account_dag import account_dag
    known = set(sys.modules)
    for task in account_dag("home").tasks:
        task.couchdb, task.accounts, task.adict
        task.adict.oauth.facts
    late = sorted(set(sys.modules) - known)
if "dag-processor" in sys.argv:
    known = set(sys.modules)
    for file in sorted(pathlib.Path({str(DAGS)!r}).glob("*.py")):
        try:
            runpy.run_path(str(file))
        except Exception as error:  # there is no CouchDB
            print(file.name, type(error).__name__)
    late = sorted(set(sys.modules) - known)
print("RESULT" + json.dumps({{"loaded": sorted(loaded), "late": late, "opened": opened, "threads": threads}}))
"""
CONNECTIONS = {
    f"AIRFLOW_CONN_{name}": json.dumps(
        {"conn_type": "generic", "host": "http://127.0.0.1:9", "login": "a", "password": "b"}
    )
    for name in ("GRDF_ADICT", "COUCHDB")
}


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    """A process that starts components in forks of itself."""
    with Forks(BEFORE, PATH) as running:
        yield running


def started(forks: Forks, tmp_path: Any, component: str, executor: str = "LocalExecutor") -> dict[str, Any]:
    env = {"AIRFLOW_HOME": str(tmp_path), "AIRFLOW__CORE__EXECUTOR": executor}
    found: dict[str, Any] = json.loads(forked(forks, CODE, component, env=env | CONNECTIONS))
    return found


def ours(found: dict[str, Any]) -> list[str]:
    return [name for name in found["loaded"] if name.startswith(OURS)]


def test_the_scheduler_loads_all_that_an_account_s_tasks_import(forks: Forks, tmp_path: Any) -> None:
    found = started(forks, tmp_path, "scheduler")
    assert {"grdf.operators.load", "grdf.hooks.adict", "cloudant.client"} <= set(found["loaded"])
    assert [name for name in found["late"] if name.startswith(OURS)] == []


def test_nothing_that_a_fork_may_not_inherit_is_made(forks: Forks, tmp_path: Any) -> None:
    found = started(forks, tmp_path, "scheduler")
    assert found["opened"] == 0
    assert found["threads"] == 1


def test_the_dag_processor_loads_all_that_dag_files_import(forks: Forks, tmp_path: Any) -> None:
    found = started(forks, tmp_path, "dag-processor")
    assert {"grdf.operators.deletion.carry_out", "grdf.account_dag", "cloudant.client"} <= set(found["loaded"])
    assert [name for name in found["late"] if name.startswith(OURS)] == []
    assert (found["opened"], found["threads"]) == (0, 1)


@pytest.mark.parametrize("component", ["triggerer", "api-server", "dags"])
def test_other_components_load_nothing(forks: Forks, tmp_path: Any, component: str) -> None:
    assert ours(started(forks, tmp_path, component)) == []


def test_a_scheduler_that_forks_no_tasks_loads_nothing(forks: Forks, tmp_path: Any) -> None:
    assert (
        ours(started(forks, tmp_path, "scheduler", "airflow.providers.celery.executors.celery_executor.CeleryExecutor"))
        == []
    )
