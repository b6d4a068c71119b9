"""A machine that runs a DAG processor, with nothing but Airflow's database."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.dags.parsing import PATH, ROOT

DOWN = json.dumps({"conn_type": "generic", "host": "http://127.0.0.1:9", "login": "a", "password": "b"})
(BUNDLES,) = (line for line in (ROOT / "airflow.env").read_text().splitlines() if "BUNDLE_CONFIG_LIST=" in line)
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
        self.bundle = home / "dag_bundles" / "grdf-accounts"

    @property
    def env(self) -> dict[str, str]:
        """The environment of its processes."""
        return PATH | {
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.database}",
            "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": BUNDLES.partition("=")[2],
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(self.bundle.parent),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__FERNET_KEY": FERNET,
            "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "600",  # on a busy machine
            "AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": "600",
        }

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.database)) as database:
            return database.execute(query).fetchall()

    def active(self) -> set[str]:
        """Return the accounts' DAGs that Airflow shows and runs."""
        found = self.rows("SELECT dag_id FROM dag WHERE NOT is_stale AND NOT has_import_errors")
        return {str(name) for (name,) in found if str(name).startswith("grdf_account__")}

    def errors(self) -> dict[str, str]:
        return {str(file): str(text) for file, text in self.rows("SELECT filename, stacktrace FROM import_error")}
