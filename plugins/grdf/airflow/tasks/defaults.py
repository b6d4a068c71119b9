"""The arguments that our DAGs and tasks have in common."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pendulum
from airflow.sdk import CronTriggerTimetable

from grdf import settings
from grdf.airflow.retries import GasRetryPolicy

PARIS = "Europe/Paris"
START = pendulum.datetime(2020, 1, 1, tz=PARIS)


def task_defaults(limit: timedelta | None = None, **more: Any) -> dict[str, Any]:
    """Return a DAG's ``default_args``.

    :param limit: how long a try of a task may take, see ``grdf.airflow.tasks.time_limits``; ``None`` if each task sets
        its own
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


def common(subject: str) -> dict[str, Any]:
    """Return the arguments that all our DAGs have.

    :param subject: the subject of the DAG, used as its second tag
    """
    return {"catchup": False, "is_paused_upon_creation": False, "tags": ["grdf", subject]}


def by_hand(subject: str) -> dict[str, Any]:
    """Return the arguments of a DAG without a schedule, which a person starts.

    :param subject: see :func:`common`
    """
    return {**common(subject), "allowed_run_types": ["manual"]}


def for_all_accounts(subject: str) -> dict[str, Any]:
    """Return the arguments of a DAG that processes all accounts on a schedule, and that a person may start, too.

    It refuses backfills: they would repeat, in the name of who started it, what a run was told to do once.

    :param subject: see :func:`common`
    """
    return {
        **common(subject),
        "start_date": START,
        "allowed_run_types": ["scheduled", "manual"],
        "max_active_runs": 1,
    }
