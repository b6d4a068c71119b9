"""The health check of the compose file's DAG processor and triggerer, on a real PostgreSQL with Airflow's tables."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from include.sandbox.processes import Processes
from tests import postgres

PLUGINS = Path(__file__).parents[2] / "plugins"
ADD = """
INSERT INTO job (job_type, hostname, state, latest_heartbeat) VALUES (%s, %s, %s, now() - make_interval(secs => %s))
"""


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Postgres]:
    if not postgres.available():
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    with Processes() as processes:
        yield postgres.start_postgres(processes, airflow=True)


def checked(server: postgres.Postgres, *jobs: tuple[str, str, str, float], address: str = "") -> tuple[int, str]:
    """Run the check in a container called ``here``, after components have said that they are alive.

    :param jobs: type, host, state and age in seconds of each
    """
    with psycopg.connect(server.url) as database:
        database.execute("DELETE FROM job")
        for job in jobs:
            database.execute(ADD, job)
    env = os.environ | {
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": address or server.airflow_url,
        "HOSTNAME": "here",
        "PYTHONPATH": str(PLUGINS),
    }
    command = [sys.executable, "-m", "grdf.heartbeat", "DagProcessorJob"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stderr


def test_a_component_that_is_alive(server: postgres.Postgres) -> None:
    """One that ran here before, and was killed, stays in the database as running."""
    killed = ("DagProcessorJob", "here", "running", 4000.0)
    assert checked(server, killed, ("DagProcessorJob", "here", "running", 4.0)) == (0, "")


@pytest.mark.parametrize(
    ("job", "told"),
    [
        (("DagProcessorJob", "here", "running", 100.0), "was last heard of 1.. s ago"),
        (("DagProcessorJob", "here", "failed", 1.0), "has not started"),
        (("DagProcessorJob", "elsewhere", "running", 1.0), "has not started"),
        (("TriggererJob", "here", "running", 1.0), "has not started"),
    ],
)
def test_one_that_is_not(server: postgres.Postgres, job: tuple[str, str, str, float], told: str) -> None:
    code, said = checked(server, job)
    assert code == 1
    assert re.fullmatch(rf"DagProcessorJob in here {told}\.\n", said)


def test_a_database_that_does_not_answer(server: postgres.Postgres) -> None:
    """The password, which is part of the address, is not in what it says."""
    code, said = checked(server, address="postgresql+psycopg://airflow:invented-word@127.0.0.1:9/airflow")
    assert code == 1
    assert said.startswith("Airflow's database did not answer")
    assert "invented-word" not in said
