"""Which daily exports have failed, as Airflow shows it to a task: nobody else would be told."""

from __future__ import annotations

from typing import Any

EXPORTS = ("grdf_export_lake", "grdf_city")


def find_failed_exports(ti: Any) -> list[str]:
    """Return the DAGs of exports whose last run has failed."""
    return [dag for dag in EXPORTS if "failed" in _last_states(ti, dag)]


def _last_states(ti: Any, dag: str) -> list[str]:
    """Return the states of the tasks of a DAG's last run; a run's id is its kind and its time (Airflow 3.3.2)."""
    runs = ti.get_task_states(dag)
    last = max(runs, key=lambda run: run.partition("__")[2], default="")
    return list(runs.get(last, {}).values())
