"""Gives our commands the connections in Airflow's database."""

from __future__ import annotations

import os
from pathlib import Path


def has_database() -> bool:
    """Return whether Airflow's database may exist. Opening a missing SQLite file would create it."""
    from airflow.sdk import conf
    from sqlalchemy.engine import make_url

    url = make_url(conf.get("database", "sql_alchemy_conn"))
    return not url.drivername.startswith("sqlite") or Path(url.database or "").is_file()


def see_connections() -> None:
    """Let this process find connections in Airflow's database, if it exists, after those in the environment."""
    if has_database():
        os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")
