"""Which Airflow the tests of whole lives run on: one machine, or several workers (``GRDF_TEST_WORKERS=2``).

Its database is PostgreSQL where that is installed, as in CI and in production. On SQLite, whoever reads and then writes
while another writes is told "database is locked" at once, whatever the time limit, and Airflow does so now and then.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from include.sandbox.airflow_stack import AirflowStack
from include.sandbox.processes import Processes
from tests import postgres


def airflow_at(home: Path, env: Mapping[str, str], processes: Processes, empty_database: Path) -> AirflowStack:
    """Return an Airflow that is not started yet.

    :param home: its home
    :param env: connections and settings, which win
    :param processes: keeps the servers that it needs, and ends them
    :param empty_database: a migrated SQLite database, copied where there is no PostgreSQL
    """
    if workers := int(os.environ.get("GRDF_TEST_WORKERS", "0")):
        from tests.machines.celery_stack import CeleryStack

        return CeleryStack(home, env, processes, workers=workers)
    if postgres.available():
        database = postgres.start_postgres(processes)
        return AirflowStack(home, 0, database.airflow_settings() | dict(env))
    shutil.copyfile(empty_database, home / "airflow.db")
    return AirflowStack(home, 0, env)


def staged(airflow: AirflowStack) -> list[str]:
    """Return the names of all answers that wait between ``extract`` and ``load``.

    :param airflow: what :func:`airflow_at` gave
    """
    if store := getattr(airflow, "store", None):
        return list(store.objects())
    return [str(file) for file in (airflow.home / "grdf" / "staging").rglob("*.json")]
