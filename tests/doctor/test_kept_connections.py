"""Connections that were typed into Airflow's forms, or put there by ``./grdf up``: commands find them as tasks do."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from include.sandbox.form_connections import form_connections

if TYPE_CHECKING:
    from include.sandbox.airflow_stack import AirflowStack
    from include.sandbox.local_world import LocalWorld


def test_the_doctor_finds_connections_in_airflow_s_database(
    clean: LocalWorld, airflow_home: Path, tmp_path: Path
) -> None:
    from tests.stacks import Prepared

    shutil.copyfile(airflow_home / "airflow.db", tmp_path / "airflow.db")
    airflow = Prepared(tmp_path, 0, {})
    connections = form_connections(clean.connections())
    airflow.put_connections({name: fields | {"host": "http://127.0.0.1:1"} for name, fields in connections.items()})
    airflow.put_connections(connections)  # as at the second start of ./grdf up, when the ports are others
    assert not (tmp_path / "connections.json").exists(), "it holds secrets"

    found = doctor(airflow)
    said = [each["says"] for each in found if each["what"] == "GRDF (grdf_adict)"]
    assert f"the connection is complete: {clean.facts['adict_base']}" in said
    assert any("gives this client a token" in text for text in said)
    assert [each for each in found if each["what"] == "CouchDB" and "connection" in each["says"]]


@pytest.mark.parametrize("given", [{}, {"AIRFLOW_CONN_STORE": "aws://"}], ids=["in the database", "in the environment"])
@pytest.mark.usefixtures("clean")
def test_the_staging_store_s_connection_belongs_in_the_environment(
    airflow_home: Path, tmp_path: Path, given: dict[str, str]
) -> None:
    """Whoever may edit it gets the files and secrets of the workers: it may name a file, and where to send it."""
    from tests.stacks import Prepared

    shutil.copyfile(airflow_home / "airflow.db", tmp_path / "airflow.db")
    airflow = Prepared(tmp_path, 0, {"AIRFLOW__GRDF__STAGING_CONN_ID": "store"} | given)
    airflow.put_connections({"store": {"conn_type": "aws", "password": "hush-hush"}})
    found = [each for each in doctor(airflow) if each["what"] == "staging" and "database" in each["says"]]
    assert [each["state"] for each in found] == ([] if given else ["look"])
    assert all("AIRFLOW_CONN_STORE" in each["do"] for each in found)


def doctor(airflow: AirflowStack) -> list[dict[str, Any]]:
    """Return what the doctor finds with the connections and settings of an Airflow alone."""
    env = {name: text for name, text in os.environ.items() if not name.startswith("AIRFLOW_CONN_")} | airflow.env
    done = subprocess.run(
        [sys.executable, "-P", "-m", "grdf.doctor", "--json"],
        env=env, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    found: list[dict[str, Any]] = json.loads(done.stdout)["findings"]
    return found
