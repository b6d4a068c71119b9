"""Modules that every task imports, imported once by the scheduler before LocalExecutor forks its workers.

Airflow runs a task in its own process, forked from a worker of LocalExecutor, which is forked from the scheduler. A
module that the scheduler has not imported is imported again by each of the four tasks of each account, every day. This
takes 0.5 of the 0.6 CPU seconds of a task's process (docs/scale.md). Modules imported here are already in the forks'
memory, on pages shared with the scheduler.

This only loads modules and fills Airflow's table of asset types. It creates no connection, no thread, and no lock that
a fork would inherit in an unknown state. Preloaded code is as old as the scheduler: restart it after a change, as
Airflow requires anyway after any change in ``plugins/``.

Airflow's plugin loader reads this module in every component and every task, so its top level imports nothing but the
marker for listeners.
"""

from __future__ import annotations

import importlib
import logging
import sys
from typing import Any

from airflow.listeners import hookimpl

log = logging.getLogger(__name__)

# Their own imports are loaded with them: the operators with grdf.account_dag, the clients with the hooks. The first
# asset in a process makes Airflow import every provider that has a type of asset; grdf.account_dag creates some.
MODULES = (
    "airflow.dag_processing.bundles.local",
    "airflow.sdk.execution_time.cache",
    "airflow.sdk.execution_time.supervisor",
    "airflow.sdk.execution_time.task_runner",
    "grdf.account_dag",
    "grdf.stores.account_store",
    "grdf.hooks.adict",
    "grdf.stores.lease",
    "sqlite3",
)


@hookimpl
def on_starting(component: Any) -> None:
    """Load the modules when a scheduler starts whose executor forks tasks.

    :param component: Airflow's record of the component that starts
    """
    if is_scheduler(component) and _forks_tasks():
        preload()


def is_scheduler(component: Any) -> bool:
    """Return whether a scheduler starts.

    Airflow's record of the component does not say yet which component it is, because Airflow sets ``job_type`` later.
    So this checks Airflow's command line: ``airflow scheduler``. A task run by LocalExecutor is forked from the
    scheduler and has the same command line, but Airflow passes listeners a separate marker for it.

    :param component: Airflow's record of the component that starts
    """
    return sys.argv[1:2] == ["scheduler"] and type(component).__name__ != "TaskRunnerMarker"


def _forks_tasks() -> bool:
    from airflow.sdk.configuration import conf

    return "LocalExecutor" in conf.get("core", "executor")


def preload() -> None:
    """Import :data:`MODULES`. A failure is logged, and the task will meet it again."""
    for name in MODULES:
        try:
            importlib.import_module(name)
        except Exception:
            log.exception("The module %s could not be loaded before tasks run; each task tries to load it.", name)
