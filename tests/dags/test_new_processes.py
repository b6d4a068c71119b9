"""What Airflow's processes load of this project: no more than each needs, and all that their forks need."""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import sys
from pathlib import Path

import pytest
from airflow._shared.module_loading.file_discovery import find_path_from_directory

from grdf.airflow.preload import on_starting
from tests.dags.parsing import DOWN, ROOT, parse, run_python

PLUGINS = ROOT / "plugins"
OURS = ("grdf.", "include.", "cloudant", "requests")
PARSE = """
import json, sys, warnings
warnings.simplefilter("ignore")
import airflow.sdk
import airflow.dag_processing.dagbag as dagbag
from airflow.serialization.serialized_objects import DagSerialization
before = set(sys.modules)
bag = dagbag.DagBag(dag_folder=sys.argv[1], bundle_path=None)
loaded = sorted(set(sys.modules) - before)
dags = {name: DagSerialization.to_dict(dag)["dag"] for name, dag in bag.dags.items()}
print("RESULT" + json.dumps({"errors": bag.import_errors, "loaded": loaded, "dags": dags}))
"""


def test_two_parses_are_alike_and_a_wrong_setting_is_told_once(tmp_path: Path) -> None:
    """Airflow's parser raises an error of its own for a lone percent sign."""
    names = ("pool", "deletion_queue", "retries", "deletion_needs_approval")
    lines = "".join(f"{name} = 5 %\n" for name in names)
    (tmp_path / "airflow.cfg").write_text(f"[grdf]\nfirst_hour = 25\n{lines}")
    (tmp_path / "grdf").mkdir()
    (tmp_path / "grdf" / "accounts.json").write_text(json.dumps(["a", "b"]))
    env = {"AIRFLOW_HOME": str(tmp_path), "AIRFLOW_CONFIG": str(tmp_path / "airflow.cfg"), "AIRFLOW_CONN_COUCHDB": DOWN}
    found, said = run_python(PARSE, str(ROOT / "dags"), env=env | {"PYTHONHASHSEED": "4711"})
    here = parse({"AIRFLOW_HOME": str(tmp_path), "AIRFLOW_CONN_COUCHDB": DOWN})
    assert (found["errors"], found["dags"]) == (here.errors, here.dags), "the defaults are used"
    assert said.count("the setting [grdf] first_hour is not a whole number") == 1
    assert all(f"[grdf] {name} cannot be read" in said for name in ("retries", "deletion_needs_approval"))
    assert "Until then the default, 8, is used" in said


def test_a_worker_builds_the_dag_it_runs_and_pays_for_nothing_else(tmp_path: Path) -> None:
    own = {"AIRFLOW_HOME": str(tmp_path), "_AIRFLOW_PARSING_CONTEXT_DAG_ID": "grdf_account__home-1"}
    found, _ = run_python(PARSE, str(ROOT / "dags"), env=own | {"AIRFLOW_CONN_COUCHDB": DOWN})
    assert (found["errors"], [name for name in found["dags"] if "account__" in name]) == (
        {}, ["grdf_account__home-1"],
    )  # fmt: skip
    assert not (tmp_path / "grdf" / "accounts.json").exists()
    heavy = ("cloudant", "jwt", "flask", "fastapi", "yaml", "grdf.hooks")
    assert [name for name in found["loaded"] if name.partition(".")[0] in heavy or name.startswith(heavy[-1])] == []


def test_airflow_loads_one_module_which_shadows_no_other() -> None:
    loaded = [Path(path) for path in find_path_from_directory(str(PLUGINS), ".airflowignore", "glob")]
    assert [path for path in loaded if path.suffix == ".py"] == [PLUGINS / "grdf_plugin.py"]
    installed = set(importlib.metadata.packages_distributions()) | sys.stdlib_module_names
    assert not {path.stem for path in PLUGINS.iterdir()} & installed, "plugins/ is on sys.path"
    assert not {path.stem for path in loaded} & (installed | {"include", "tests", "grdf"})


LOAD = """
import json, sys
import airflow.plugins_manager as manager
before = set(sys.modules)
_, errors = manager._get_plugins()
print("RESULT" + json.dumps([errors, sorted(set(sys.modules) - before)]))
"""


def test_the_plugin_costs_no_process_more_than_it_needs(tmp_path: Path) -> None:
    (errors, loaded), _ = run_python(LOAD, env={"AIRFLOW_HOME": str(tmp_path)})
    assert (errors, "grdf.timetable" in loaded) == ({}, True)
    heavy = ("fastapi", "cloudant", "grdf.hooks", "grdf.operators")  # what Airflow has loaded itself does not count
    assert [name for name in loaded if name.startswith(heavy)] == []


START = f"""
import json, os, pathlib, runpy, sys, threading, warnings
warnings.simplefilter("ignore")
import airflow.sdk, airflow.plugins_manager, airflow.executors.local_executor
from airflow.listeners.listener import get_listener_manager
sys.argv = ["airflow", sys.argv[1]]
listeners = {{getattr(each, "__name__", ""): each for each in get_listener_manager().pm.get_plugins()}}
before, files = set(sys.modules), len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
listeners["grdf.airflow.preload"].on_starting(component=None)
known = set(sys.modules)
opened = len(os.listdir("/proc/self/fd")) - files if files else 0
threads = threading.active_count()
if sys.argv[1] == "scheduler":
    # What a task does: build its DAG, then reach for its hooks.
    from grdf.account_dag import account_dag
    for task in account_dag("home").tasks:
        task.couchdb, task.accounts, task.adict
        task.adict.oauth.facts
else:
    for file in sorted(pathlib.Path({str(ROOT / "dags")!r}).glob("*.py")):
        try:
            runpy.run_path(str(file))
        except Exception as error:  # there is no CouchDB
            print(file.name, type(error).__name__)
late = sorted(set(sys.modules) - known)
print("RESULT" + json.dumps({{"loaded": sorted(known - before), "late": late, "opened": opened, "threads": threads}}))
"""


@pytest.mark.parametrize(
    ("component", "loads"),
    [("scheduler", "grdf.operators.load"), ("dag-processor", "grdf.operators.deletion.deletion_steps")],
)
def test_all_that_forks_import_is_loaded_before(tmp_path: Path, component: str, loads: str) -> None:
    """No connection and no thread, which a fork may not inherit."""
    connections = {f"AIRFLOW_CONN_{name}": DOWN for name in ("GRDF_ADICT", "COUCHDB")}
    env = {"AIRFLOW_HOME": str(tmp_path), "AIRFLOW__CORE__EXECUTOR": "LocalExecutor", **connections}
    found, _ = run_python(START, component, env=env)
    assert {loads, "grdf.account_dag", "grdf.hooks.adict", "cloudant.client"} <= set(found["loaded"])
    assert [name for name in found["late"] if name.startswith(OURS)] == []
    assert (found["opened"], found["threads"]) == (0, 1)


@pytest.mark.parametrize(
    ("component", "executor", "loads"),
    [
        ("scheduler", "LocalExecutor", True), ("dag-processor", "CeleryExecutor", True),
        ("scheduler", "CeleryExecutor", False), ("triggerer", "LocalExecutor", False),
        ("api-server", "LocalExecutor", False), ("dags", "LocalExecutor", False),
    ],
)  # fmt: skip
def test_which_components_load_it(monkeypatch: pytest.MonkeyPatch, component: str, executor: str, loads: bool) -> None:
    asked, really = [], importlib.import_module
    monkeypatch.setattr(sys, "argv", ["airflow", component])
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", executor)
    monkeypatch.setattr(importlib, "import_module", lambda *about: asked.append(about[0]) or really(*about))
    on_starting(component=None)
    assert any(name.startswith("grdf.") for name in asked) is loads
