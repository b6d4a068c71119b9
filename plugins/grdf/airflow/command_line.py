"""What our commands need of Airflow outside its own processes: the connections that were typed into its forms."""

from __future__ import annotations

import os
from pathlib import Path


def has_database() -> bool:
    """Return whether Airflow's database may be there. Opening a SQLite file that is missing would make an empty one."""
    from airflow.sdk import conf
    from sqlalchemy.engine import make_url

    url = make_url(conf.get("database", "sql_alchemy_conn"))
    return not url.drivername.startswith("sqlite") or Path(url.database or "").is_file()


def see_connections() -> None:
    """Let this process find connections in Airflow's database as well, if there is one.

    Those in the environment take precedence. Outside its own processes, Airflow looks nowhere else.
    """
    if has_database():
        os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")
