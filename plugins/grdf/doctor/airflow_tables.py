"""What the doctor reads of Airflow's database: a few rows, or one for each DAG of an account. Nothing is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from grdf.airflow.command_line import has_database
from include.gas.documents.gas_days import DAG_PREFIX

Rows = Mapping[str, Sequence[Any]]
"""Rows by the name of their query in :data:`QUERIES`."""
RECENT = timedelta(days=3)
"""How far back the states of runs are looked at. One morning may be missed for reasons that pass."""
AHEAD = timedelta(hours=1)
"""How far clocks of machines may be apart. A run that ends later than that was dated by a clock that was wrong."""

_OURS = f"dag_id LIKE '{DAG_PREFIX}%'"
QUERIES = {
    "pools": "SELECT pool, slots FROM slot_pool",
    "errors": "SELECT filename FROM import_error",
    "jobs": "SELECT job_type, max(latest_heartbeat), max(CASE WHEN state = 'running' THEN latest_heartbeat END) "
    "FROM job GROUP BY job_type",
    "dags": f"SELECT dag_id, is_paused FROM dag WHERE {_OURS} AND NOT is_stale",
    "came": f"SELECT dag_id, min(created_at) FROM dag_version WHERE {_OURS} GROUP BY dag_id",
    "successes": "SELECT dag_id, max(CASE WHEN state = 'success' AND end_date <= :soon THEN end_date END) "
    f"FROM dag_run WHERE {_OURS} GROUP BY dag_id",
    "recent": "SELECT dag_id, max(CASE WHEN state = 'failed' THEN 1 ELSE 0 END), "
    "max(CASE WHEN state IN ('queued', 'running') THEN 1 ELSE 0 END) "
    f"FROM dag_run WHERE {_OURS} AND (run_after >= :recent OR end_date >= :recent OR state IN ('queued', 'running')) "
    "GROUP BY dag_id",
}


def answers() -> bool:
    """Return whether Airflow's database can be asked. If not, each look for a connection in it would wait, too."""
    from airflow.utils.session import create_session
    from sqlalchemy import text

    if not has_database():
        return False
    try:
        with create_session() as session:
            session.execute(text("SELECT 1"))
    except Exception:  # noqa: BLE001 - of any driver's; the look at its rows says what is wrong
        return False
    return True


def rows_of_airflow(now: datetime) -> Rows:
    """Return the rows.

    :param now: an aware datetime, the present
    :raises SQLAlchemyError: if the database does not answer, or is none of this Airflow's
    """
    from airflow.utils.session import create_session
    from sqlalchemy import DateTime, bindparam, text

    moments = {"soon": now + AHEAD, "recent": now - RECENT}
    found: dict[str, Sequence[Any]] = {}
    with create_session() as session:
        for name, query in QUERIES.items():
            named = {key: value for key, value in moments.items() if f":{key}" in query}
            typed = [bindparam(key, type_=DateTime(timezone=True)) for key in named]
            found[name] = list(session.execute(text(query).bindparams(*typed), named))
    return found


def moment(value: Any) -> datetime | None:
    """Return a moment of the database, aware; SQLite gives it as text. ``None`` if there is none."""
    if value is None:
        return None
    found = datetime.fromisoformat(value) if isinstance(value, str) else value
    return found if found.tzinfo else found.replace(tzinfo=UTC)
