"""Modules that are imported once, before a component forks: what tasks import, and what DAG files import.

Airflow runs a task in its own process, forked from a worker of LocalExecutor, which is forked from the scheduler. A
module that the scheduler has not imported is imported again by each of the four tasks of each account, every day. This
takes 0.5 of the 0.6 CPU seconds of a task's process (docs/scale.md). Modules imported here are already in the forks'
memory, on pages shared with the scheduler. The DAG processor likewise reads each DAG file in a fork, again and again:
0.5 CPU seconds for each file and reading, 0.2 if the modules are there.

This only loads modules and fills Airflow's table of asset types. It creates no connection, no thread, and no lock that
a fork would inherit in an unknown state. Preloaded code is as old as the component: restart it after a change, as
Airflow requires anyway after any change in ``plugins/``.

Airflow's plugin loader reads this module in every component and every task, so its top level imports nothing but the
marker for listeners.
"""

from __future__ import annotations

import importlib
import logging
import pkgutil
import sys
from collections.abc import Iterable
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
    "grdf.airflow.bundle.account_bundle",
    "grdf.stores.accounts.account_store",
    "grdf.hooks.adict",
    "grdf.stores.lease",
    "grdf.stores.shared_client",
    "jinja2.ext",
    "sqlite3",
    "upath.implementations.local",
)


OF_DAG_FILES = (
    *MODULES,
    "airflow.providers.standard.decorators.python",
    "airflow.providers.standard.operators.empty",
    "airflow.providers.standard.operators.python",
    "airflow.providers.standard.operators.trigger_dagrun",
    "airflow.sdk.bases.sensor",
    "airflow.sdk.definitions.decorators",
    "grdf.airflow.account_list",
    "grdf.health.deadline",
    "grdf.health.health_settings",
)
"""What the DAG files import, besides all operators."""


@hookimpl
def on_starting(component: Any) -> None:
    """Load the modules when a scheduler starts whose executor forks tasks, or a DAG processor.

    :param component: Airflow's record of the component that starts
    """
    if is_scheduler(component) and _forks_tasks():
        preload(MODULES)
    elif _starts("dag-processor", component):
        preload([*OF_DAG_FILES, *_operators()])


def is_scheduler(component: Any) -> bool:
    """Return whether a scheduler starts.

    Airflow's record of the component does not say yet which component it is, because Airflow sets ``job_type`` later.
    So this checks Airflow's command line: ``airflow scheduler``. A task run by LocalExecutor is forked from the
    scheduler and has the same command line, but Airflow passes listeners a separate marker for it.

    :param component: Airflow's record of the component that starts
    """
    return _starts("scheduler", component)


def _starts(command: str, component: Any) -> bool:
    return sys.argv[1:2] == [command] and type(component).__name__ != "TaskRunnerMarker"


def _operators() -> list[str]:
    """Return the names of all modules with operators."""
    package = importlib.import_module("grdf.operators")
    return [found.name for found in pkgutil.walk_packages(package.__path__, "grdf.operators.")]


def _forks_tasks() -> bool:
    from airflow.sdk.configuration import conf

    return "LocalExecutor" in conf.get("core", "executor")


def preload(names: Iterable[str]) -> None:
    """Import modules. A failure is logged, and the task or the DAG file will meet it again."""
    for name in names:
        try:
            importlib.import_module(name)
        except Exception:
            log.exception("The module %s could not be loaded beforehand; each task or DAG file tries to load it.", name)
