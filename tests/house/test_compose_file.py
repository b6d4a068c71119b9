"""``docker-compose.yaml``: what can be set, and which service is given which connection."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yaml"
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text())["services"]
COUCHDB, GRDF, STAGING, DELETION = (
    f"AIRFLOW_CONN_{name}" for name in ("COUCHDB", "GRDF_ADICT", "GRDF_STAGING", "GRDFGRANDLYON_DELETE")
)
CONNECTIONS = {
    "airflow-init": set(),
    "airflow-apiserver": {COUCHDB, GRDF},
    "airflow-scheduler": {COUCHDB, GRDF, STAGING, DELETION},  # with LocalExecutor it runs all tasks
    "airflow-dag-processor": {COUCHDB},
    "airflow-triggerer": set(),
    "airflow-worker": {COUCHDB, GRDF, STAGING},
    "airflow-worker-deletion": {COUCHDB, GRDF, STAGING, DELETION},
}


def test_each_service_is_given_the_connections_that_it_reads() -> None:
    given = {
        name: {variable for variable in service["environment"] if variable.startswith("AIRFLOW_CONN_")}
        for name, service in SERVICES.items()
        if name.startswith("airflow-")
    }
    assert given == CONNECTIONS


@pytest.mark.parametrize("service", CONNECTIONS)
def test_settings_of_ones_own_reach_it(service: str) -> None:
    """They win over the project's, and need not be there; git does not take them."""
    assert SERVICES[service]["env_file"] == ["airflow.env", {"path": "settings.env", "required": False}]
    assert "/settings.env" in (ROOT / ".gitignore").read_text().splitlines()


def test_the_size_of_the_pool_can_be_chosen() -> None:
    assert "pools set grdf ${GRDF_POOL_SLOTS:-8} " in SERVICES["airflow-init"]["command"]


def test_what_can_be_filled_in_stands_in_the_form() -> None:
    form = (ROOT / ".env.example").read_text()
    asked = set(re.findall(r"(?<!\$)\$\{(\w+)", COMPOSE.read_text()))
    assert len(asked) > 20
    assert {name for name in asked if not re.search(rf"(?m)^(# )?{name}=", form)} == set()


@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="there is no docker-compose on PATH")
def test_docker_compose_reads_it_so(tmp_path: Path) -> None:
    for name in ("docker-compose.yaml", "airflow.env"):
        shutil.copy(ROOT / name, tmp_path)
    form = re.sub(r"(?m)=$", "=filled", (ROOT / ".env.example").read_text())
    (tmp_path / ".env").write_text(form.replace("GRDF_POOL_SLOTS=8", "GRDF_POOL_SLOTS=5"))

    def read() -> dict[str, Any]:
        done = subprocess.run(
            ["docker-compose", "--profile", "workers", "config", "--format", "json"],
            cwd=tmp_path,
            env={name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout)["services"])

    assert "AIRFLOW__API__BASE_URL" not in read()["airflow-apiserver"]["environment"]
    (tmp_path / "settings.env").write_text(
        "AIRFLOW__API__BASE_URL=https://airflow.example.org\nAIRFLOW__CORE__PARALLELISM=7\n"
    )
    services = read()
    assert services["airflow-init"]["command"] == ["pools", "set", "grdf", "5", "Tasks that call GRDF"]
    for name in CONNECTIONS:
        environment = services[name]["environment"]
        assert environment["AIRFLOW__API__BASE_URL"] == "https://airflow.example.org"
        assert environment["AIRFLOW__CORE__PARALLELISM"] == "7"
        assert environment["AIRFLOW__GRDF__POOL"] == "grdf"
        assert {variable for variable in environment if variable.startswith("AIRFLOW_CONN_")} == CONNECTIONS[name]
