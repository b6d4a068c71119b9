"""A real DAG processor with the bundle that writes the accounts' DAG files, and a worker's copy of it."""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from include.gas.days.spread import dag_file_of
from include.gas.documents.day_documents import dag_id
from include.sandbox.local_world import LocalWorld
from include.sandbox.processes import Child, Processes
from tests.dags.parsing import ACCOUNTS, DOWN, PATH, ROOT, run_python
from tests.databases import empty_database
from tests.helpers import own_couchdb, wait

(BUNDLES,) = (line for line in (ROOT / "airflow.env").read_text().splitlines() if "BUNDLE_CONFIG_LIST=" in line)
WORKER = """
import json, sys
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import DagBag
found = []
for _ in range(2):
    bundle = DagBundlesManager().get_bundle("grdf-accounts", version="1")
    bundle.initialize()
    bag = DagBag(str(bundle.path / sys.argv[1]), bundle_path=bundle.path)
    found.append([sorted(bag.dags), bag.import_errors])
print("RESULT" + json.dumps(found))
"""


class Machine:
    def __init__(self, home: Path) -> None:
        self.home, self.database = home, home / "airflow.db"
        shutil.copyfile(empty_database(), self.database)
        self.bundle = home / "dag_bundles" / "grdf-accounts"
        self.env = PATH | {
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.database}",
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": BUNDLES.partition("=")[2],
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(self.bundle.parent),
            "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "600",  # on a busy machine
            "AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": "600",
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600",
            "AIRFLOW__DAG_PROCESSOR__STALE_DAG_THRESHOLD": "5",
            "AIRFLOW__SCHEDULER__PARSING_CLEANUP_INTERVAL": "10",
        }

    def start(self, processes: Processes, couchdb: str) -> Child:
        airflow = (sys.executable, "-m", "include.sandbox.preloaded_airflow")
        part = [*airflow, "dag-processor", "--bundle-name", "grdf-accounts"]
        env = self.env | {"AIRFLOW_CONN_COUCHDB": couchdb}
        return processes.start("DAG processor", part, log=self.home / "log", env=env, cwd=self.home)

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.database)) as database:
            return database.execute(query).fetchall()

    def active(self) -> set[str]:
        found = self.rows("SELECT dag_id FROM dag WHERE NOT is_stale AND NOT has_import_errors")
        return {str(name) for (name,) in found if str(name).startswith("grdf_account__")}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_with_couchdb_down_no_dag_vanishes_not_even_at_a_start_without_files(
    world: LocalWorld, machine: Machine
) -> None:
    fields, book = own_couchdb(world)
    for name in (*ACCOUNTS, "an odd id"):
        book.save({"_id": name, "account_type": "grdfgrandlyon"})
    every = {dag_id(name) for name in ACCOUNTS}
    with Processes() as processes:
        child = machine.start(processes, json.dumps(fields))
        wait(lambda: machine.active() == every or not child.alive(), what="the DAGs")
        book.save({"_id": "new", "account_type": "grdfgrandlyon"})
        wait(lambda: dag_id("new") in machine.active(), what="the new account's DAG")
        book.save({**(book.get("new") or {}), "leaving": {"since": "2026-01-01T00:00:00Z"}})
        wait(lambda: machine.active() == every, what="the end of the DAG of one that is leaving")
        assert machine.rows("SELECT DISTINCT bundle_version FROM dag_version") == [("1",)], "none for each change"
        child.stop()
        for file in machine.bundle.iterdir():
            file.unlink()
        before = machine.rows("SELECT dag_id, last_parsed_time FROM dag")
        child = machine.start(processes, DOWN)
        wait(lambda: "Error refreshing bundle" in (machine.home / "log").read_text(), what="a word about CouchDB")
        assert (machine.active(), machine.rows("SELECT dag_id, last_parsed_time FROM dag")) == (every, before)
        assert machine.rows("SELECT filename FROM import_error") == []
        assert child.alive(), child.tail()


def test_a_worker_whose_copy_has_never_seen_couchdb(machine: Machine) -> None:
    own = {"AIRFLOW_CONN_COUCHDB": DOWN, "_AIRFLOW_PARSING_CONTEXT_DAG_ID": dag_id("somebody-new")}
    found, _ = run_python(WORKER, f"grdf_accounts_{dag_file_of('somebody-new')}.py", env=machine.env | own)
    assert found == [[[dag_id("somebody-new")], {}]] * 2, "once more"
