"""A real DAG processor on a machine without any copy of the account list, while CouchDB is down."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import cached_property
from pathlib import Path

import pytest

from include.gas.days.spread import dag_file_of
from include.gas.documents.gas_days import dag_id
from tests.dags.parsing import ACCOUNTS, PATH, ROOT
from tests.forks import AIRFLOW, Forks

DOWN = json.dumps({"conn_type": "generic", "host": "http://127.0.0.1:9", "login": "a", "password": "b"})
FILES = {*(f"grdf_accounts_{dag_file_of(name)}.py" for name in ACCOUNTS), "grdf_broken_accounts.py"}
"""The DAG files that matter here. Processing a file takes time."""
FERNET = "8SBq0D1hqlzbMv0dkXZDkKlPqWcoMUtHStgcX6tcbjM="


class Machine:
    """A machine with nothing but Airflow's database.

    :param home: Airflow's home on that machine
    :param database: the database to copy
    """

    def __init__(self, home: Path, database: Path) -> None:
        home.mkdir()
        self.home = home
        self.database = home / "airflow.db"
        shutil.copyfile(database, self.database)
        (home / "dags").mkdir()
        for file in FILES:
            shutil.copy(ROOT / "dags" / file, home / "dags" / file)

    @cached_property
    def forks(self) -> Forks:
        """A process that runs Airflow's commands on this machine, in forks of itself."""
        env = {
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.database}",
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.home / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__FERNET_KEY": FERNET,
            # A process's first access to a Variable imports Airflow's API, which takes seconds, more on a busy machine.
            "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "600",
            "AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": "600",
        }
        return Forks(AIRFLOW, env | PATH)

    def process(self, couchdb: str) -> str:
        """Process all DAG files once, as ``airflow dag-processor`` does, and return its output."""
        done = self.forks.airflow(
            "dag-processor", "--num-runs", "1", env={"AIRFLOW_CONN_COUCHDB": couchdb}, cwd=self.home
        )
        assert done.returncode == 0, done.stdout[-3000:]
        return done.stdout

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.database)) as database:
            return database.execute(query).fetchall()

    def forget_the_list(self) -> None:
        with closing(sqlite3.connect(self.database)) as database, database:
            database.execute("DELETE FROM variable")

    def active(self) -> set[str]:
        """Return the accounts' DAGs that Airflow shows and runs."""
        found = self.rows("SELECT dag_id FROM dag WHERE NOT is_stale AND NOT has_import_errors")
        return {str(name) for (name,) in found if str(name).startswith("grdf_account__")}

    def errors(self) -> dict[str, str]:
        return {str(file): str(text) for file, text in self.rows("SELECT filename, stacktrace FROM import_error")}


@pytest.fixture
def machine() -> Iterator[Callable[[Path, Path], Machine]]:
    """A function that creates machines. Their processes are stopped afterwards."""
    with ExitStack() as stack:

        def make(home: Path, database: Path) -> Machine:
            made = Machine(home, database)
            stack.enter_context(made.forks)
            return made

        yield make


def test_a_machine_without_a_copy_finds_the_list_although_couchdb_is_down(
    three_accounts: dict[str, str], airflow_home: Path, tmp_path: Path, machine: Callable[[Path, Path], Machine]
) -> None:
    every = {dag_id(name) for name in ACCOUNTS}
    first = machine(tmp_path / "first", airflow_home / "airflow.db")
    first.process(three_accounts["AIRFLOW_CONN_COUCHDB"])
    assert first.active() == every
    assert first.errors() == {}
    assert first.rows("SELECT count(*) FROM variable WHERE key = 'grdf_accounts'") == [(1,)]
    versions = first.rows("SELECT count(*) FROM dag_version")

    second = machine(tmp_path / "second", first.database)
    said = second.process(DOWN)
    assert (second.errors(), second.active()) == ({}, every), said
    assert second.rows("SELECT count(*) FROM dag_version") == versions

    # Nothing is known at all: Airflow gets an import error, and the DAGs that it deactivates come back later.
    second.forget_the_list()
    second.process(DOWN)
    told = second.errors()
    assert told.keys() == FILES
    assert all("there is no earlier copy of it" in text and "come back automatically" in text for text in told.values())
    assert {name for (name,) in second.rows("SELECT dag_id FROM dag")} >= every
    second.process(three_accounts["AIRFLOW_CONN_COUCHDB"])
    assert second.active() == every
    assert second.errors() == {}
    assert second.rows("SELECT count(*) FROM dag_version") == versions
