"""What every task imports, imported once by the scheduler before LocalExecutor forks its workers.

Airflow runs a task in a process of its own, forked from a worker of LocalExecutor, which is forked from the scheduler.
A module that the scheduler has not imported is imported anew by each of the four tasks of each account, every day:
0.5 of the 0.6 CPU seconds of a task's process (docs/scale.md). What is imported here is in the forks' memory already,
on pages that they share with the scheduler.

Only modules are loaded, and Airflow's table of asset types is filled: no connection, no thread, no lock that a fork
would inherit in an unknown state. Code that is preloaded is as old as the scheduler: restart it after a change, which
Airflow asks for anyway after any change of ``plugins/``.

Airflow's plugin loader reads this module in every component and every task, so it imports nothing at its top but
the mark for listeners.
"""

from __future__ import annotations

import importlib
import logging
import sys
from typing import Any

from airflow.listeners import hookimpl

log = logging.getLogger(__name__)

# What these import in turn comes with them: the operators with grdf.account_dag, the clients with the hooks. The first
# asset of a process makes Airflow import every provider with a type of asset; grdf.account_dag makes some.
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
    """Load them, when a scheduler starts whose executor forks tasks.

    :param component: Airflow's record of the component that starts
    """
    if is_scheduler(component) and _forks_tasks():
        preload()


def is_scheduler(component: Any) -> bool:
    """Return whether a scheduler starts.

    Airflow's record of the component does not say yet which one it is (Airflow sets ``job_type`` later), so Airflow's
    command line is asked: ``airflow scheduler``. A task that LocalExecutor runs has the same one; it is forked from the
    scheduler, and Airflow tells listeners of it by a marker of its own.

    :param component: Airflow's record of what starts
    """
    return sys.argv[1:2] == ["scheduler"] and type(component).__name__ != "TaskRunnerMarker"


def _forks_tasks() -> bool:
    from airflow.sdk.configuration import conf

    return "LocalExecutor" in conf.get("core", "executor")


def preload() -> None:
    """Import :data:`MODULES`; a failure is logged, and is then the task's own to meet."""
    for name in MODULES:
        try:
            importlib.import_module(name)
        except Exception:
            log.exception("The module %s could not be loaded before tasks run; each task tries to load it.", name)
