"""Checks of Airflow by its database, read-only: pools, import errors, components, accounts' DAGs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from grdf import settings
from grdf.airflow.command_line import has_database
from grdf.doctor.findings import Finding
from grdf.health.unread_reasons import DAYS, FAILED, MISSING, PAUSED, STALE
from grdf.options import quoted_id
from include.gas.days.gas_day import ONE_DAY, paris_today
from include.gas.display.account_summary import AccountSummary
from include.gas.documents.day_documents import DAG_PREFIX, dag_id

MOST_NAMED = 5
_OURS = f"dag_id LIKE '{DAG_PREFIX}%'"
QUERIES = {
    "pools": "SELECT pool, slots FROM slot_pool",
    "errors": "SELECT filename, 1 FROM import_error",
    "paused": f"SELECT dag_id, is_paused FROM dag WHERE {_OURS} AND NOT is_stale",
    "stale": f"SELECT dag_id, is_stale FROM dag WHERE {_OURS} AND is_stale",
    "read": f"SELECT DISTINCT dag_id, 1 FROM task_instance WHERE {_OURS} AND task_id = 'load' AND state = 'success' "
    "AND end_date >= :since",
}


@dataclass(frozen=True, slots=True)
class Airflow:
    """What Airflow's database shows, and which accounts' DAGs are paused, stale, or have read lately."""

    health: Mapping[str, Mapping[str, str | None]]
    pools: Mapping[str, int]
    errors: Mapping[str, int]
    paused: Mapping[str, int]
    stale: Mapping[str, int]
    read: Mapping[str, int]

    def why_unread(self, accounts: Sequence[AccountSummary]) -> Mapping[str, str]:
        """Return why accounts' DAGs do not read them."""
        return {account.id: why for account in accounts if (why := self._why_unread(account))}

    def _why_unread(self, account: AccountSummary) -> str:
        dag, today = dag_id(account.id), paris_today(datetime.now(UTC))
        if dag in self.stale:
            return STALE
        if dag not in self.paused:
            return MISSING
        if self.paused[dag]:
            return PAUSED
        is_read = dag in self.read or account.was_answered_since(today - ONE_DAY * DAYS, today)
        return "" if is_read else FAILED


def read_airflow() -> Airflow | Finding:
    """Return what Airflow's database shows, or why it cannot be read from here."""
    from sqlalchemy import DateTime, bindparam, text
    from sqlalchemy.exc import SQLAlchemyError

    if not has_database():
        return Finding("unknown", "it has no database here", "Run this in the API server.")
    since = bindparam("since", datetime.now(UTC) - timedelta(days=DAYS), type_=DateTime(timezone=True))
    rows: dict[str, Any] = {}
    try:
        from airflow.api.common.airflow_health import get_airflow_health
        from airflow.utils.session import create_session

        with create_session() as session:
            for name, query in QUERIES.items():
                found = session.execute(text(query).bindparams(*([since] if ":since" in query else [])))
                rows[name] = {str(key): int(value) for key, value in found}
        return Airflow(get_airflow_health(), **rows)
    except (SQLAlchemyError, ImportError, RuntimeError) as error:
        kind = type(error).__name__
        if not _is_another(error):
            return Finding("unknown", f"its database cannot be read from here ({kind})", "Run this in the API server.")
        says = f"its database is damaged, or has no tables of this Airflow ({kind})"
        return Finding("bad", says, "Correct [database] sql_alchemy_conn, run airflow db migrate, or restore it.")


def list_names(name: str, of: str) -> list[str]:
    """Return a column of a table of Airflow's database, sorted."""
    from airflow.utils.session import create_session
    from sqlalchemy import column, select, table

    with create_session() as session:
        return sorted(session.scalars(select(column(name)).select_from(table(of))))


def _is_another(error: Exception) -> bool:
    kind = type(error).__name__  # SQLAlchemy's; only OperationalError means unreachable
    said = str(getattr(error, "orig", ""))
    return kind in ("ProgrammingError", "DatabaseError") or said.startswith(("no such table", "no such column"))


def check_airflow(airflow: Airflow | Finding) -> Iterator[Finding]:
    """Look at what was read of Airflow's database."""
    if isinstance(airflow, Finding):
        yield airflow
        return
    pool = settings.pool()
    slots = airflow.pools.get(pool)
    if slots is None:
        yield Finding(
            "bad", f"there is no pool {quoted_id(pool)}, so no account is read",
            "Create it (airflow pools set NAME 32 GRDF), or correct [grdf] pool.",
        )  # fmt: skip
    elif slots == 0:
        yield Finding(
            "bad", f"the pool {pool} has no slots, so no task in it starts, and no account is read",
            f"Give it some (airflow pools set {pool} 32 GRDF).",
        )  # fmt: skip
    for component in ("scheduler", "dag_processor"):
        yield _component(component, airflow.health[component])
    if settings.deletion_needs_approval.or_default() and not settings.deletion_by_one_person.or_default():
        yield Finding(
            "ok", "a deletion waits until another user than the one who asked approves it",
            "If one person runs this alone, set [grdf] deletion_by_one_person to True.",
        )  # fmt: skip
    if errors := list(airflow.errors):
        some = ", ".join(errors[:MOST_NAMED]) + (" …" if len(errors) > MOST_NAMED else "")
        yield Finding("bad", f"{len(errors)} DAG file(s) cannot be imported: {some}", "See its home page.")


def _component(component: str, health: Mapping[str, str | None]) -> Finding:
    name, last = component.replace("dag_", "DAG "), (health[f"latest_{component}_heartbeat"] or "")[:16]
    if health["status"] == "healthy":
        return Finding("ok", f"a {name} runs")
    since = f"the last one was heard of at {last.replace('T', ' ')} UTC" if last else "none ever has with its database"
    do = f"Start it (airflow {component.replace('_', '-')}). If it should run, see its log."
    return Finding("bad" if last else "look", f"no {name} runs: {since}", do)
