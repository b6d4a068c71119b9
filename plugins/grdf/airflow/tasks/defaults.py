"""Common arguments of our DAGs and tasks, and the time limits of a try.

A task that hangs would stop its account for ever. Each limit is far above normal work. A task whose call waits over 10
minutes for GRDF's quota gives up its slot (``GrdfOperator``), and each return starts a new limit. What was read or
stored before stays.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pendulum
from airflow.sdk import CronTriggerTimetable

from grdf import settings
from grdf.airflow.retries import GasRetryPolicy

PARIS = "Europe/Paris"
START = pendulum.datetime(2020, 1, 1, tz=PARIS)

ONE_CALL = timedelta(hours=1)
"""A call or two to GRDF, with 10 minutes of waiting, the answer and one repetition; then one document."""
STORING = timedelta(hours=2)
"""CouchDB and Airflow only. Three years of 20 meters take minutes, a list of 20,000 accounts half an hour."""
METERS = timedelta(hours=6)
"""Calls for each of an account's meters: 20 with 10 minutes of waiting take some 4 hours."""
FLEET = timedelta(hours=20)
"""Calls for many accounts: a GRDF day's quota, but over before the next day's run."""


def task_defaults(limit: timedelta | None = None, **more: Any) -> dict[str, Any]:
    """Return a DAG's ``default_args``."""
    return {
        "owner": "grdf",
        "pool": settings.pool.or_default(),
        # Each counts as one. By default the first of four would count as four, before others' tasks.
        "weight_rule": "absolute",
        "retries": settings.retries.or_default(),
        "retry_delay": timedelta(seconds=settings.retry_seconds.or_default()),
        "retry_policy": GasRetryPolicy(),
        **{name: value for name, value in {"execution_timeout": limit, **more}.items() if value},
    }


def in_paris(cron: str) -> CronTriggerTimetable:
    """Return a schedule in Paris time. Without a start date, the first run is the next one due."""
    return CronTriggerTimetable(cron, timezone=PARIS, run_immediately=timedelta())


def dag_arguments(name: str, tag: str) -> dict[str, Any]:
    """Return the arguments of all our DAGs. Airflow's UI shows and searches the name, in place of the id."""
    return {"catchup": False, "is_paused_upon_creation": False, "dag_display_name": name, "tags": ["grdf", tag]}


def manual_dag_arguments(name: str) -> dict[str, Any]:
    """Return the arguments of a DAG that only a person starts."""
    return {**dag_arguments(name, "manual"), "allowed_run_types": ["manual"]}


def fleet_dag_arguments(name: str) -> dict[str, Any]:
    """Return the arguments of a scheduled DAG for all accounts, which a person may start, too.

    It refuses backfills, which would repeat, in a user's name, what a run was asked to do once.
    """
    return {
        **dag_arguments(name, "scheduled"),
        "start_date": START,
        "allowed_run_types": ["scheduled", "manual"],
        "max_active_runs": 1,
    }
