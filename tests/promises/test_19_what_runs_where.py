"""Promise 19: the databases, executors, Pythons and CouchDBs on which this runs, and what tries each of them."""

from __future__ import annotations

import tomllib

from tests.promises.stack import ROOT, STAYER, Stack

HELD_BY = {
    "SQLite + LocalExecutor": "tests/demo",
    "PostgreSQL + LocalExecutor": "tests/promises",
    "Celery with several machines": "tests/machines",
    "Compose": "tests/compose",
    "Kubernetes": "tests/house/test_helm_chart.py",
}


def test_what_runs_where(stack: Stack) -> None:
    assert stack.first_run(STAYER)["state"] == "success"
    shown = stack.command("airflow", "config", "get-value", "core", "executor")
    assert "Executor" in shown.stdout
    database = stack.airflow.env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].partition(":")[0]
    assert database.startswith(("postgresql", "sqlite"))
    assert stack.couch("GET", "").json()["couchdb"] == "Welcome"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == ">=3.11,<3.14"
    assert [place for place in HELD_BY.values() if not (ROOT / place).exists()] == []
