"""A machine that runs a DAG processor, with nothing but Airflow's database."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from functools import cached_property
from pathlib import Path

from include.gas.days.spread import dag_file_of
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

    @property
    def env(self) -> dict[str, str]:
        """The environment of its processes."""
        return PATH | {
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

    @cached_property
    def forks(self) -> Forks:
        """A process that runs Airflow's commands on this machine, in forks of itself."""
        return Forks(AIRFLOW, self.env)

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
