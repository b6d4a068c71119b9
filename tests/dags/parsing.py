"""The DAG files, parsed as Airflow does it: in a new process, or in a fork of one that has imported Airflow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.forks import Forks

ROOT = Path(__file__).resolve().parents[2]
ACCOUNTS = ["Alpha-1", "beta_2", "gamma"]
PATH = {"PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "plugins")))}
BEFORE = """
import json, sys, warnings
warnings.simplefilter("ignore")
import airflow.sdk
import airflow.dag_processing.dagbag as dagbag
from airflow.models.serialized_dag import SerializedDagModel
"""
PARSE = f"""
{BEFORE}
before = set(sys.modules)
bag = dagbag.DagBag(dag_folder=sys.argv[1], bundle_path=None)
loaded = sorted(set(sys.modules) - before)
from airflow.serialization.serialized_objects import DagSerialization
dags = {{name: DagSerialization.to_dict(dag) for name, dag in bag.dags.items()}}
print("RESULT" + json.dumps({{
    "errors": bag.import_errors, "dags": dags, "loaded": loaded,
    "owners": {{name: sorted({{task.owner for task in dag.tasks}}) for name, dag in bag.dags.items()}},
    "hashes": {{name: SerializedDagModel.hash(data) for name, data in dags.items()}},
}}))
"""


@dataclass(frozen=True)
class Parsed:
    """The result of parsing the DAG files."""

    errors: dict[str, str]
    dags: dict[str, dict[str, Any]]
    owners: dict[str, list[str]]
    loaded: list[str]
    hashes: dict[str, str]


def run_python(code: str, *arguments: str, env: Mapping[str, str]) -> str:
    """Run Python code with the project on its path, and return what it printed after ``RESULT``."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *arguments],
        env=os.environ | PATH | dict(env),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.partition("RESULT")[2]


def parse(env: Mapping[str, str], forks: Forks | None = None) -> Parsed:
    """Parse the dags folder in a new process, or in a fork of one that has imported :data:`BEFORE`."""
    if forks is None:
        return Parsed(**json.loads(run_python(PARSE, str(ROOT / "dags"), env=env)))
    return Parsed(**json.loads(forked(forks, PARSE, str(ROOT / "dags"), env=env)))


def forked(forks: Forks, code: str, *arguments: str, env: Mapping[str, str]) -> str:
    """Run Python code in a fork, and return what it printed after ``RESULT``."""
    done = forks.run(code, *arguments, env=env)
    assert done.returncode == 0, done.stdout
    return done.stdout.partition("RESULT")[2]
