"""The local Airflow's files and messages, and the connections that ``./grdf up`` writes into its database."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from include.sandbox.airflow_stack import AirflowStack
from include.sandbox.processes import ProcessError
from include.sandbox.up import about_connections
from tests.databases import empty_database


def test_files_that_were_there_are_the_owner_s_alone(tmp_path: Path) -> None:
    home, names = tmp_path / "airflow", ("passwords.json", "stack-secrets.json", "stack.env")
    home.mkdir(mode=0o755)
    for name in names:
        (home / name).write_text("{}")
        (home / name).chmod(0o644)
    AirflowStack(home, 0, {}).keep_environment()
    assert {path.name: path.stat().st_mode & 0o777 for path in home.iterdir()} == dict.fromkeys(names, 0o600)
    assert home.stat().st_mode & 0o777 == 0o700


def test_a_database_that_cannot_be_used_is_told_without_its_password(tmp_path: Path) -> None:
    """Its driver takes a password with an "@" for the host, and quotes it."""
    url = "postgresql+psycopg://u:a@pass-Word-9@127.0.0.1:1/x"
    env = {f"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN{kind}": url for kind in ("", "_ASYNC")}
    with pytest.raises(ProcessError, match="failed to resolve host") as caught:
        AirflowStack(tmp_path, 0, env).migrate()
    assert "pass-Word-9" not in str(caught.value)


def test_a_client_of_a_person_s_own_stays_and_the_sandbox_s_addresses_are_renewed(tmp_path: Path) -> None:
    def here(port: int) -> dict[str, dict[str, Any]]:
        adict = {"conn_type": "grdf", "host": f"http://127.0.0.1:{port}/adict/v2", "login": "sandbox", "port": port}
        return {"grdf_adict": adict, "couchdb": {"conn_type": "couchdb", "host": "127.0.0.1", "port": port}}

    shutil.copyfile(empty_database(), tmp_path / "airflow.db")
    airflow = AirflowStack(tmp_path, 0, {})
    typed = {"conn_type": "grdf", "host": "https://api.grdf.fr/adict/v2", "login": "a-real-client", "port": 443}
    airflow.put_connections(here(7001) | {"grdf_adict": typed})
    airflow.put_connections(here(7002))
    with sqlite3.connect(tmp_path / "airflow.db") as database:
        rows = database.execute("SELECT conn_id, host, login, port FROM connection ORDER BY conn_id").fetchall()
    database.close()
    assert rows == [("couchdb", "127.0.0.1", None, 7002), ("grdf_adict", typed["host"], "a-real-client", 443)]
    assert airflow.kept_connections == ("grdf_adict",)
    assert "grdf_adict" in about_connections(("grdf_adict",))
    assert not (tmp_path / "connections.json").exists(), "it holds secrets"
