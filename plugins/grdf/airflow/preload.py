"""Imports, before Airflow forks, what tasks and DAG files need (its documented listener ``on_starting``).

LocalExecutor forks each task from the scheduler, and the DAG processor each reading of a file: what they lack is
imported each time, 0.2 CPU seconds a task (December 2026, Python 3.13). Celery's workers do not call it. A plugin's
module is read in every process, so the top level imports nothing but the marker for listeners.
"""

from __future__ import annotations

import importlib
import logging
import pkgutil
import sys
from typing import Any

from airflow.listeners import hookimpl

log = logging.getLogger(__name__)

PACKAGES = tuple(f"grdf.{name}" for name in ("airflow", "health", "hooks", "operators", "quota", "staging", "stores"))


@hookimpl
def on_starting(component: Any) -> None:  # noqa: ARG001 - a listener's arguments have Airflow's names
    """Load the modules when a DAG processor starts, or a scheduler whose executor forks tasks."""
    command = sys.argv[1:2]  # Airflow's record of the component does not name it yet
    if command == ["dag-processor"] or (command == ["scheduler"] and _forks_tasks()):
        preload()


def _forks_tasks() -> bool:
    from airflow.sdk import conf

    return "LocalExecutor" in conf.get("core", "executor")


def preload() -> None:
    """Import the modules. A failure is logged; the task will meet it again."""
    try:
        importlib.import_module("grdf.account_dag")
        for name in PACKAGES:
            package = importlib.import_module(name)
            for module in pkgutil.walk_packages(package.__path__, f"{name}."):
                importlib.import_module(module.name)
    except Exception:
        log.exception("Not all modules could be loaded beforehand; each task or DAG file tries to load them.")
