"""The DAG files, parsed the way Airflow does it: in a process of their own."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from include.sandbox.local_world import LocalWorld

ROOT = Path(__file__).resolve().parents[2]
ACCOUNTS = ["Alpha-1", "beta_2", "gamma"]
PARSE = """
import json, sys, warnings
warnings.simplefilter("ignore")
import airflow.sdk
import airflow.dag_processing.dagbag as dagbag
from airflow.models.serialized_dag import SerializedDagModel
before = set(sys.modules)
bag = dagbag.DagBag(dag_folder=sys.argv[1], bundle_path=None)
loaded = sorted(set(sys.modules) - before)
from airflow.serialization.serialized_objects import DagSerialization
dags = {name: DagSerialization.to_dict(dag) for name, dag in bag.dags.items()}
print("RESULT" + json.dumps({
    "errors": bag.import_errors, "dags": dags, "loaded": loaded,
    "owners": {name: sorted({task.owner for task in dag.tasks}) for name, dag in bag.dags.items()},
    "hashes": {name: SerializedDagModel.hash(data) for name, data in dags.items()},
}))
"""


@dataclass(frozen=True)
class Parsed:
    """What Airflow makes of the DAG files."""

    errors: dict[str, str]
    dags: dict[str, dict[str, Any]]
    owners: dict[str, list[str]]
    loaded: list[str]
    hashes: dict[str, str]


def run_python(code: str, *arguments: str, env: Mapping[str, str]) -> str:
    """Run a piece of Python with the project on its path; gives what it printed after RESULT."""
    path = os.pathsep.join(map(str, (ROOT, ROOT / "plugins")))
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *arguments],
        env=os.environ | {"PYTHONPATH": path} | dict(env),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.partition("RESULT")[2]


def parse(env: Mapping[str, str]) -> Parsed:
    """Parse the dags folder in a process of its own."""
    return Parsed(**json.loads(run_python(PARSE, str(ROOT / "dags"), env=env)))


@pytest.fixture(scope="session")
def three_accounts(world: LocalWorld, airflow_home: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment whose CouchDB holds three accounts, written in another order than that of their ids."""
    from include.sandbox.connect import AccountBook

    prefix = f"dags{secrets.token_hex(4)}/"
    book = AccountBook(world.couch.url, world.couch.user, world.couch.password, prefix)
    for name in reversed(ACCOUNTS):
        book.save({"_id": name, "account_type": "grdfgrandlyon"})
    fields = json.loads(world.connections()["AIRFLOW_CONN_COUCHDB"])
    connection = json.dumps(fields | {"extra": {"database_prefix": prefix}})
    return {"AIRFLOW_CONN_COUCHDB": connection, "AIRFLOW_HOME": str(tmp_path_factory.mktemp("home"))}


@pytest.fixture(scope="session")
def parsed(three_accounts: dict[str, str]) -> Parsed:
    """The DAG files parsed once, as the DAG processor does."""
    return parse(three_accounts)
