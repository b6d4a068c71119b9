"""The DAG files, parsed as Airflow does it: in this process, or in one that begins with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
ACCOUNTS = ["Alpha-1", "beta_2", "gamma"]
PATH = {"PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "plugins")))}
DOWN = json.dumps({"conn_type": "generic", "host": "http://127.0.0.1:9", "login": "a", "password": "b"})


@dataclass(frozen=True)
class Parsed:
    errors: dict[str, str]
    dags: dict[str, dict[str, Any]]

    @property
    def accounts(self) -> dict[str, dict[str, Any]]:
        return {name: data for name, data in self.dags.items() if name.startswith("grdf_account__")}

    def tasks(self, dag_id: str) -> dict[str, dict[str, Any]]:
        found = (task["__var"] for task in self.dags[dag_id]["tasks"])
        return {task["task_id"]: task | task.get("partial_kwargs", {}) for task in found}

    @property
    def every_task(self) -> dict[str, dict[str, Any]]:
        return {f"{dag}.{task_id}": task for dag in self.dags for task_id, task in self.tasks(dag).items()}


def parse(env: Mapping[str, str], folder: Path = ROOT / "dags") -> Parsed:
    from airflow.dag_processing.dagbag import DagBag
    from airflow.serialization.serialized_objects import DagSerialization

    with pytest.MonkeyPatch.context() as patch:
        for name, value in env.items():
            patch.setenv(name, value)
        bag = DagBag(dag_folder=str(folder), bundle_path=None)
    dags = {name: DagSerialization.to_dict(dag)["dag"] for name, dag in bag.dags.items()}
    return Parsed(dict(bag.import_errors), json.loads(json.dumps(dags)))


def run_python(code: str, *arguments: str, env: Mapping[str, str]) -> tuple[Any, str]:
    """Run Python code with the project on its path. Return the JSON that it printed after ``RESULT``, and the rest."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *arguments],
        env=os.environ | PATH | dict(env), capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said, _, result = done.stdout.partition("RESULT")
    return json.loads(result), said + done.stderr
