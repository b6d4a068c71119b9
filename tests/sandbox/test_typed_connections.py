"""``./grdf up`` writes the sandbox's connections anew at each start, and never over one that a person has typed."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from include.sandbox.airflow_stack import is_here
from include.sandbox.up import about_connections
from tests.databases import empty_database
from tests.stacks import Prepared


def sandbox(port: int) -> dict[str, dict[str, Any]]:
    adict = {"conn_type": "grdf", "host": f"http://127.0.0.1:{port}/adict/v2", "login": "sandbox", "port": port}
    return {"grdf_adict": adict, "couchdb": {"conn_type": "couchdb", "host": "127.0.0.1", "port": port}}


def stored(home: Path) -> dict[str, tuple[str, str | None, int]]:
    with sqlite3.connect(home / "airflow.db") as database:
        rows = database.execute("SELECT conn_id, host, login, port FROM connection").fetchall()
    database.close()
    return {name: (host, login, port) for name, host, login, port in rows}


def test_a_client_of_a_person_s_own_stays_and_the_sandbox_s_addresses_are_renewed(tmp_path: Path) -> None:
    shutil.copyfile(empty_database(), tmp_path / "airflow.db")
    airflow = Prepared(tmp_path, 0, {})
    typed = {"conn_type": "grdf", "host": "https://api.grdf.fr/adict/v2", "login": "a-real-client", "port": 443}
    airflow.put_connections(sandbox(7001) | {"grdf_adict": typed})
    airflow.put_connections(sandbox(7002))
    assert stored(tmp_path) == {
        "grdf_adict": ("https://api.grdf.fr/adict/v2", "a-real-client", 443),
        "couchdb": ("127.0.0.1", None, 7002),
    }
    assert airflow.kept_connections == ("grdf_adict",)
    assert not (tmp_path / "connections.json").exists(), "it holds secrets"


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("http://127.0.0.1:8001/adict/v2", True),
        ("127.0.0.1", True),
        ("127.0.0.1:5984", True),
        ("localhost", True),
        ("https://LOCALHOST:1", True),
        ("[::1]:5984", True),
        ("https://api.grdf.fr/adict/v2", False),
        ("couch.example.org", False),
        ("localhost.example.org", False),
        ("http://127.0.0.1@example.org", False),
        ("10.0.0.1", False),
        ("http://[", False),
        ("", False),  # that is GRDF's own address
        (None, False),
    ],
)
def test_an_address_of_this_machine(host: str | None, here: bool) -> None:
    assert is_here(host) is here


def test_what_is_left_is_said() -> None:
    assert '"Test" asks the sandbox' in about_connections(())
    said = about_connections(("couchdb", "grdf_adict"))
    assert "couchdb, grdf_adict" in said
    assert "left as they are" in said
