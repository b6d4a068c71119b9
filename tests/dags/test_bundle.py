"""A real DAG processor with the bundle that follows CouchDB's accounts: it reads what has changed, and only that."""

from __future__ import annotations

import json
import secrets
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from include.gas.days.spread import dag_file_of
from include.gas.documents.gas_days import dag_id
from include.sandbox.connect import AccountBook
from include.sandbox.local_world import LocalWorld
from include.sandbox.processes import Processes
from tests.dags.machine import Machine
from tests.dags.parsing import ACCOUNTS
from tests.helpers import wait

SETTINGS = {
    "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(
        [{"name": "dags-folder", "classpath": "grdf.airflow.bundle.account_bundle.AccountBundle", "kwargs": {}}]
    ),
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600",
    "AIRFLOW__DAG_PROCESSOR__STALE_DAG_THRESHOLD": "7500",
}
NEW = next(name for name in map("new-{}".format, range(100)) if dag_file_of(name) == dag_file_of(ACCOUNTS[0]))
"""An account that belongs into the file of the first."""


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
def machine(book: Book, airflow_home: Path, tmp_path: Path) -> Iterator[Machine]:
    """A machine whose DAG processor runs, and has read all files."""
    book.add(*ACCOUNTS)
    made = Machine(tmp_path / "machine", airflow_home / "airflow.db")
    env = made.env | SETTINGS | {"AIRFLOW_CONN_COUCHDB": book.connection}
    with Processes() as processes:
        command = [sys.executable, "-m", "include.sandbox.airflow_part", "dag-processor"]
        child = processes.start("DAG processor", command, log=made.home / "log", env=env, cwd=made.home)
        wait(lambda: made.active() == {dag_id(name) for name in ACCOUNTS} or not child.alive(), what="the DAGs")
        yield made
        assert child.alive(), child.tail()


def read(machine: Machine) -> dict[str, object]:
    """Return when each account's DAG was last found in its file."""
    return {str(name): at for name, at in machine.rows("SELECT dag_id, last_parsed_time FROM dag")}


def test_what_has_changed_is_read_and_only_that(book: Book, machine: Machine) -> None:
    first = read(machine)
    book.add(NEW)
    wait(lambda: dag_id(NEW) in machine.active(), what="the new account's DAG")
    then = read(machine)
    others = {dag_id(name) for name in ACCOUNTS if dag_file_of(name) != dag_file_of(NEW)}
    assert others
    assert {name: then[name] for name in others} == {name: first[name] for name in others}
    assert then[dag_id(ACCOUNTS[0])] != first[dag_id(ACCOUNTS[0])]

    book.remove(ACCOUNTS[1])
    wait(lambda: dag_id(ACCOUNTS[1]) not in machine.active(), what="the end of a removed account's DAG")
    book.save({**book.get(NEW), "leaving": {"since": "2026-01-01T00:00:00Z"}})  # type: ignore[dict-item]
    wait(lambda: dag_id(NEW) not in machine.active(), what="the end of the DAG of one that is leaving")
    assert {name: at for name, at in read(machine).items() if name in then} == then, "nothing was read for that"
    assert machine.active() == {dag_id(ACCOUNTS[0]), dag_id(ACCOUNTS[2])}

    book.add("an odd id")
    wait(lambda: "grdf_broken_accounts.py" in machine.errors(), what="a word about the account that has no DAG")
    book.remove("an odd id")
    wait(lambda: not machine.errors(), what="the end of it")


def test_a_clock_that_was_ahead_stops_nothing(book: Book, machine: Machine) -> None:
    with closing(sqlite3.connect(machine.database)) as database, database:
        database.execute("UPDATE dag_bundle SET last_refreshed = '2094-01-01 00:00:00.000000'")
    book.add(NEW)
    wait(lambda: dag_id(NEW) in machine.active(), what="the new account's DAG")
