"""What is read of Airflow's database: a few rows, or one for each DAG of an account. Nothing is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from include.gas.documents.gas_days import DAG_PREFIX

DAYS = 2
"""How many days back a run must have read an account. One morning may be missed for reasons that pass."""
Rows = Mapping[str, Sequence[Any]]
"""Rows by the name of their query in :data:`QUERIES`."""
_OURS = f"dag_id LIKE '{DAG_PREFIX}%'"
QUERIES = {
    "pools": "SELECT pool, slots FROM slot_pool",
    "errors": "SELECT filename FROM import_error",
    "jobs": "SELECT job_type, max(latest_heartbeat) FROM job GROUP BY job_type",
    "dags": f"SELECT dag_id, is_paused, is_stale FROM dag WHERE {_OURS}",
    "read": f"SELECT DISTINCT dag_id FROM task_instance WHERE {_OURS} AND task_id = 'load' AND state = 'success' "
    "AND end_date >= :since",
}


def rows_of_airflow(now: datetime) -> Rows:
    """Return the rows.

    :param now: an aware datetime, the present
    :raises SQLAlchemyError: if the database does not answer, or is none of this Airflow's
    """
    from airflow.utils.session import create_session
    from sqlalchemy import DateTime, bindparam, text

    since = bindparam("since", now - timedelta(days=DAYS), type_=DateTime(timezone=True))
    found: dict[str, Sequence[Any]] = {}
    with create_session() as session:
        for name, query in QUERIES.items():
            found[name] = list(session.execute(text(query).bindparams(*([since] if ":since" in query else []))))
    return found


def moment(value: Any) -> datetime | None:
    """Return a moment of the database, aware; SQLite gives it as text. ``None`` if there is none."""
    found = datetime.fromisoformat(value) if isinstance(value, str) else value
    return found if found is None or found.tzinfo else found.replace(tzinfo=UTC)
