"""The arguments that our DAGs and tasks have in common, and how long one try of a task may take.

Without a limit, a task that hangs would stop its account for ever, because an account's runs follow one another. Each
limit is far above what normal work takes. A call waits at most 10 minutes for GRDF's quota, and then the task gives up
its slot (``GrdfOperator``); each return starts a new time limit. What was read or stored before a limit
is kept and not read again.
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
"""A call or two to GRDF, each with its 10 minutes of waiting, its answer and one repetition; then one document."""
STORING = timedelta(hours=2)
"""CouchDB and Airflow only. Three years of 20 meters take minutes, a list of 20,000 accounts half an hour."""
METERS = timedelta(hours=6)
"""Calls for each of an account's meters. 20 calls that each wait their 10 minutes take some 4 hours."""
FLEET = timedelta(hours=20)
"""Calls for many accounts: as long as the quota of one GRDF day may take, and over before the next day's run is due."""


def task_defaults(limit: timedelta | None = None, **more: Any) -> dict[str, Any]:
    """Return a DAG's ``default_args``.

    :param limit: how long a try of a task may take; ``None`` if each task sets its own
    :param more: further default arguments for the tasks; one that is empty is left to Airflow
    """
    return {
        "owner": "grdf",
        "pool": settings.pool.or_default(),
        # Each counts as one. By Airflow's default the first of four would count as four, before others' tasks.
        "weight_rule": "absolute",
        "retries": settings.retries.or_default(),
        "retry_delay": timedelta(seconds=settings.retry_seconds.or_default()),
        "retry_policy": GasRetryPolicy(),
        **{name: value for name, value in {"execution_timeout": limit, **more}.items() if value},
    }


def in_paris(cron: str) -> CronTriggerTimetable:
    """Return a schedule in Paris time. A DAG without a start date has its first run when it is next due.

    :param cron: a cron expression, such as ``30 7 * * *``
    """
    return CronTriggerTimetable(cron, timezone=PARIS, run_immediately=timedelta())


def dag_arguments(subject: str) -> dict[str, Any]:
    """Return the arguments that all our DAGs have.

    :param subject: the subject of the DAG, used as its second tag
    """
    return {"catchup": False, "is_paused_upon_creation": False, "tags": ["grdf", subject]}


def manual_dag_arguments(subject: str) -> dict[str, Any]:
    """Return the arguments of a DAG without a schedule, which a person starts.

    :param subject: see :func:`dag_arguments`
    """
    return {**dag_arguments(subject), "allowed_run_types": ["manual"]}


def fleet_dag_arguments(subject: str) -> dict[str, Any]:
    """Return the arguments of a DAG that processes all accounts on a schedule, and that a person may start, too.

    It refuses backfills: they would repeat, in the name of who started it, what a run was told to do once.

    :param subject: see :func:`dag_arguments`
    """
    return {
        **dag_arguments(subject),
        "start_date": START,
        "allowed_run_types": ["scheduled", "manual"],
        "max_active_runs": 1,
    }
