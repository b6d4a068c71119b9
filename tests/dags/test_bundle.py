"""A real DAG processor with the bundle that writes the accounts' DAG files, and a worker's copy of it."""

from __future__ import annotations

import json
import secrets
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.gas.days.spread import dag_file_of
from include.gas.documents.gas_days import dag_id
from include.sandbox.connect import AccountBook
from include.sandbox.local_world import LocalWorld
from include.sandbox.processes import Child, Processes
from tests.dags.machine import DOWN, Machine
from tests.dags.parsing import ACCOUNTS, run_python
from tests.helpers import wait

NEW = next(name for name in map("new-{}".format, range(100)) if dag_file_of(name) == dag_file_of(ACCOUNTS[0]))
"""An account that belongs into the file of the first."""
WORKER = """
import json
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import DagBag
bundle = DagBundlesManager().get_bundle("grdf-accounts", version="1")
bundle.initialize()
bag = DagBag(str(bundle.path / "FILE"), bundle_path=bundle.path)
print("RESULT" + json.dumps([sorted(bag.dags), bag.import_errors]))
"""


class Book(AccountBook):
    """Accounts in a CouchDB database of the test's own."""

    def __init__(self, world: LocalWorld) -> None:
        self.prefix = f"bundle{secrets.token_hex(4)}/"
        super().__init__(world.couch.url, world.couch.user, world.couch.password, self.prefix)
        fields = json.loads(world.connections()["AIRFLOW_CONN_COUCHDB"])
        self.connection = json.dumps(fields | {"extra": {"database_prefix": self.prefix}})

    def add(self, *names: str) -> None:
        for name in names:
            self.save({"_id": name, "account_type": "grdfgrandlyon"})


@pytest.fixture
def book(world: LocalWorld) -> Book:
    return Book(world)


@pytest.fixture
def machine(airflow_home: Path, tmp_path: Path) -> Machine:
    return Machine(tmp_path / "machine", airflow_home / "airflow.db")


@pytest.fixture
def processes() -> Iterator[Processes]:
    with Processes() as running:
        yield running


def start(machine: Machine, processes: Processes, couchdb: str) -> Child:
    """Start the DAG processor of the accounts, with the compose file's settings for it."""
    own = {
        "AIRFLOW_CONN_COUCHDB": couchdb,
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600",
        "AIRFLOW__DAG_PROCESSOR__STALE_DAG_THRESHOLD": "5",
        "AIRFLOW__SCHEDULER__PARSING_CLEANUP_INTERVAL": "10",
    }
    command = [sys.executable, "-m", "include.sandbox.airflow_part", "dag-processor", "--bundle-name", "grdf-accounts"]
    return processes.start("DAG processor", command, log=machine.home / "log", env=machine.env | own, cwd=machine.home)


def read(machine: Machine) -> dict[str, object]:
    """Return when each account's DAG was last found in its file."""
    return {str(name): at for name, at in machine.rows("SELECT dag_id, last_parsed_time FROM dag")}


def settled(machine: Machine) -> dict[str, object]:
    """Return the same once no file has been read for some seconds: a file that was being read is read once more."""
    seen = [read(machine)]

    def quiet() -> bool:
        time.sleep(8)
        seen.append(read(machine))
        return seen[-1] == seen[-2]

    wait(quiet, what="the files to be read")
    return seen[-1]


def test_accounts_come_and_go(book: Book, machine: Machine, processes: Processes) -> None:
    book.add(*ACCOUNTS, "an odd id")
    child = start(machine, processes, book.connection)
    wait(lambda: machine.active() == {dag_id(name) for name in ACCOUNTS} or not child.alive(), what="the DAGs")
    first = settled(machine)
    book.add(NEW)
    wait(lambda: dag_id(NEW) in machine.active(), what="the new account's DAG")
    then = read(machine)
    others = {dag_id(name) for name in ACCOUNTS if dag_file_of(name) != dag_file_of(NEW)}
    assert others
    assert {name: then[name] for name in others} == {name: first[name] for name in others}, "nothing was read for it"

    book.remove(ACCOUNTS[1])
    wait(lambda: dag_id(ACCOUNTS[1]) not in machine.active(), what="the end of a removed account's DAG")
    book.save({**book.get(NEW), "leaving": {"since": "2026-01-01T00:00:00Z"}})  # type: ignore[dict-item]
    wait(lambda: dag_id(NEW) not in machine.active(), what="the end of the DAG of one that is leaving")
    assert machine.active() == {dag_id(ACCOUNTS[0]), dag_id(ACCOUNTS[2])}
    assert machine.errors() == {}
    assert machine.rows("SELECT DISTINCT bundle_version FROM dag_version") == [("1",)], "no version for each change"
    assert child.alive(), child.tail()


def test_with_couchdb_down_no_dag_vanishes_not_even_at_a_start_without_files(
    book: Book, machine: Machine, processes: Processes
) -> None:
    book.add(*ACCOUNTS)
    every = {dag_id(name) for name in ACCOUNTS}
    child = start(machine, processes, book.connection)
    wait(lambda: machine.active() == every or not child.alive(), what="the DAGs")
    child.stop()
    for file in machine.bundle.iterdir():
        file.unlink()
    before = read(machine)
    child = start(machine, processes, DOWN)
    wait(lambda: "Error refreshing bundle" in (machine.home / "log").read_text(), what="a word about CouchDB")
    (cleaned,) = machine.rows("SELECT count(*) FROM dag WHERE is_stale")
    assert (cleaned, machine.active(), read(machine)) == ((0,), every, before)
    assert child.alive(), child.tail()


def test_a_worker_whose_copy_has_never_seen_couchdb(machine: Machine) -> None:
    name = "somebody-new"
    env = machine.env | {"AIRFLOW_CONN_COUCHDB": DOWN, "_AIRFLOW_PARSING_CONTEXT_DAG_ID": dag_id(name)}
    file = f"grdf_accounts_{dag_file_of(name)}.py"
    assert json.loads(run_python(WORKER.replace("FILE", file), env=env)) == [[dag_id(name)], {}]
    assert json.loads(run_python(WORKER.replace("FILE", file), env=env)) == [[dag_id(name)], {}], "once more"
