"""Checks of Airflow, by its database: pools, import errors, its components, and what it shows of the accounts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from grdf import settings
from grdf.airflow.command_line import has_database
from grdf.doctor.findings import Finding, some
from grdf.health.airflow_tables import Rows, moment, rows_of_airflow
from grdf.options import quoted_id

WHAT = "Airflow"
COMPONENTS = {"SchedulerJob": "scheduler", "DagProcessorJob": "DAG processor"}
"""Airflow's names of what must always run, and ours."""
SILENCE = timedelta(minutes=2)
"""How long they may tell no heartbeat."""


def read() -> Rows | Finding:
    """Return what is read of Airflow's database, or why it cannot be read from here."""
    from sqlalchemy.exc import SQLAlchemyError

    if not has_database():
        return Finding(WHAT, "unknown", "it has no database here", "Run this in the API server.")
    try:
        return rows_of_airflow(datetime.now(UTC))
    except (SQLAlchemyError, ImportError, RuntimeError) as error:
        name = type(error).__name__
        if _is_another(error):
            return Finding(
                WHAT, "bad", f"its database is damaged, or has no tables of this Airflow ({name})",
                "Correct [database] sql_alchemy_conn, run airflow db migrate, or restore it.",
            )  # fmt: skip
        says = f"its database cannot be read from here ({name})"
        return Finding(WHAT, "unknown", says, "Run this in the API server.")


def state(rows: Rows | Finding) -> Iterator[Finding]:
    """Look at what was read of Airflow's database.

    :param rows: see :func:`read`
    """
    if isinstance(rows, Finding):
        yield rows
        return
    yield from _pools(rows)
    yield from _components(rows, datetime.now(UTC))
    errors = [str(name) for (name,) in rows["errors"]]
    if errors:
        yield Finding(
            WHAT, "bad", f"{len(errors)} DAG file(s) cannot be imported: {some(errors)}", "See its home page."
        )


def _is_another(error: Exception) -> bool:
    """Return whether a database answered, but as none of Airflow's."""
    kind = type(error).__name__  # that of SQLAlchemy; only OperationalError says that it cannot be reached
    said = str(getattr(error, "orig", ""))
    return kind in ("ProgrammingError", "DatabaseError") or said.startswith(("no such table", "no such column"))


def _pools(rows: Rows) -> Iterator[Finding]:
    """Look for the pool of the settings, and for slots in it."""
    slots = {str(name): int(number) for name, number in rows["pools"]}
    pool = settings.pool()
    if pool not in slots:
        yield Finding(
            WHAT, "bad", f"there is no pool {quoted_id(pool)}, so no account is read",
            "Create it (airflow pools set NAME 32 GRDF), or correct [grdf] pool.",
        )  # fmt: skip
    elif slots[pool] == 0:
        yield Finding(
            WHAT, "bad", f"the pool {pool} has no slots, so no task in it starts, and no account is read",
            f"Give it some (airflow pools set {pool} 32 GRDF).",
        )  # fmt: skip


def _components(rows: Rows, now: datetime) -> Iterator[Finding]:
    """Look whether a scheduler and a DAG processor are alive. Before the first start that is no fault."""
    heard = {str(kind): moment(last) for kind, last in rows["jobs"]}
    for kind, name in COMPONENTS.items():
        last = heard.get(kind)
        if last and now - last < SILENCE:
            yield Finding(WHAT, "ok", f"a {name} runs")
            continue
        since = f"the last one was heard of at {last:%Y-%m-%d %H:%M} UTC" if last else "none ever has with its database"
        yield Finding(
            WHAT, "bad" if last else "look", f"no {name} runs: {since}",
            f"Start it (airflow {name.lower().replace(' ', '-')}). If it should run, see its log.",
        )  # fmt: skip
