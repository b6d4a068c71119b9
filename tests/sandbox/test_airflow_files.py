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
from tests.stacks import Prepared

PASSWORD = "pass-Word-9"


def test_files_that_were_there_are_the_owner_s_alone(tmp_path: Path) -> None:
    home = tmp_path / "airflow"
    home.mkdir()
    home.chmod(0o755)
    names = ("passwords.json", "stack-secrets.json", "stack.env")
    for name in names:
        (home / name).write_text("{}")
        (home / name).chmod(0o644)
    AirflowStack(home, 0, {}).keep_environment()
    assert {path.name: path.stat().st_mode & 0o777 for path in home.iterdir()} == dict.fromkeys(names, 0o600)
    assert home.stat().st_mode & 0o777 == 0o700


def test_a_database_that_cannot_be_used_is_told_without_its_password(tmp_path: Path) -> None:
    """Its driver takes a password with an "@" for the host, and quotes it."""
    url = f"postgresql+psycopg://u:a@{PASSWORD}@127.0.0.1:1/x"
    env = {f"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN{kind}": url for kind in ("", "_ASYNC")}
    with pytest.raises(ProcessError, match="database could not be prepared") as caught:
        AirflowStack(tmp_path, 0, env).migrate()
    assert "failed to resolve host" in str(caught.value)
    assert PASSWORD not in str(caught.value)


def sandbox(port: int) -> dict[str, dict[str, Any]]:
    adict = {"conn_type": "grdf", "host": f"http://127.0.0.1:{port}/adict/v2", "login": "sandbox", "port": port}
    return {"grdf_adict": adict, "couchdb": {"conn_type": "couchdb", "host": "127.0.0.1", "port": port}}


def test_a_client_of_a_person_s_own_stays_and_the_sandbox_s_addresses_are_renewed(tmp_path: Path) -> None:
    shutil.copyfile(empty_database(), tmp_path / "airflow.db")
    airflow = Prepared(tmp_path, 0, {})
    typed = {"conn_type": "grdf", "host": "https://api.grdf.fr/adict/v2", "login": "a-real-client", "port": 443}
    airflow.put_connections(sandbox(7001) | {"grdf_adict": typed})
    airflow.put_connections(sandbox(7002))
    with sqlite3.connect(tmp_path / "airflow.db") as database:
        rows = database.execute("SELECT conn_id, host, login, port FROM connection ORDER BY conn_id").fetchall()
    database.close()
    assert rows == [
        ("couchdb", "127.0.0.1", None, 7002),
        ("grdf_adict", "https://api.grdf.fr/adict/v2", "a-real-client", 443),
    ]
    assert airflow.kept_connections == ("grdf_adict",)
    assert "left as they are, because they do not lead to this machine: grdf_adict" in about_connections(
        ("grdf_adict",)
    )
    assert not (tmp_path / "connections.json").exists(), "it holds secrets"
