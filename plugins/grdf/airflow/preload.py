"""What tasks and DAG files import is imported once, before Airflow forks (its documented listener ``on_starting``).

LocalExecutor runs a task in a process forked from the scheduler, and the DAG processor reads a DAG file in a fork. What
they have not imported is imported again by each task of each account, every day: 0.2 CPU seconds a task (December 2026,
Python 3.13). Celery's workers do not call it, so a task imports no more than it needs.

This only loads modules of ours, and what they import: no connection, no thread. A plugin's module is read in every
component and every task, so the top level imports nothing but the marker for listeners.
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
    """Load the modules when a scheduler starts whose executor forks tasks, or a DAG processor."""
    command = sys.argv[1:2]  # Airflow's record of the component does not say yet which one it is
    if command == ["dag-processor"] or (command == ["scheduler"] and _forks_tasks()):
        preload()


def _forks_tasks() -> bool:
    from airflow.sdk import conf

    return "LocalExecutor" in conf.get("core", "executor")


def preload() -> None:
    """Import the modules. A failure is logged, and the task or the DAG file will meet it again."""
    try:
        importlib.import_module("grdf.account_dag")
        for name in PACKAGES:
            package = importlib.import_module(name)
            for module in pkgutil.walk_packages(package.__path__, f"{name}."):
                importlib.import_module(module.name)
    except Exception:
        log.exception("Not all modules could be loaded beforehand; each task or DAG file tries to load them.")
