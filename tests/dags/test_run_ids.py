"""Airflow's real scheduler when settings change: each gas day gets its own run, and the scheduler keeps working."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.forks import AIRFLOW, Forks

ROOT = Path(__file__).resolve().parents[2]
PARIS = ZoneInfo("Europe/Paris")
DAG_FILE = """
from airflow.sdk import DAG
from grdf.account_dag import account_dag
dags = {name: account_dag(name) for name in ("moved-60001", "moved-60002")}
globals().update({dag.dag_id: dag for dag in dags.values()})
"""
DAGS = ("grdf_account__moved-60001", "grdf_account__moved-60002")


@dataclass
class Scheduler:
    """An Airflow with only a scheduler. Runs are created but only end by :meth:`end_runs`."""

    home: Path
    forks: Forks

    def run(self, *arguments: str, **settings: str) -> str:
        done = self.forks.airflow(*arguments, env=settings, cwd=self.home)
        assert done.returncode == 0, done.stdout[-4000:]
        return done.stdout

    def read_files_and_schedule(self, **settings: str) -> str:
        """Parse the DAG file and run the scheduler's loop a few times, as after a restart."""
        read = self.run("dags", "reserialize", **settings)
        assert "Traceback" not in read, read
        return self.run("scheduler", "--num-runs", "3", **settings)

    def query(self, text: str, *values: Any) -> list[Any]:
        with sqlite3.connect(self.home / "airflow.db", timeout=30) as database:
            found = database.execute(text, values).fetchall()
        database.close()
        return found

    def end_runs(self) -> None:
        """End all runs, so that the next ones can be created (``max_active_runs`` is 1)."""
        self.query("UPDATE dag_run SET state = 'success', end_date = start_date")
        self.query("UPDATE task_instance SET state = 'success'")
        self.query("UPDATE dag SET exceeds_max_non_backfill = 0")

    def runs(self, dag_id: str) -> dict[str, str]:
        """Return the ids of a DAG's runs by their gas days."""
        rows = self.query("SELECT data_interval_start, run_id FROM dag_run WHERE dag_id = ? ORDER BY 1", dag_id)
        days = [datetime.fromisoformat(start).replace(tzinfo=UTC).astimezone(PARIS).date() for start, _ in rows]
        assert len(set(days)) == len(days)
        return {day.isoformat(): run_id for day, (_, run_id) in zip(days, rows, strict=True)}


@pytest.fixture
def scheduler(airflow_home: Path, tmp_path: Path) -> Iterator[Scheduler]:
    """An Airflow home with two accounts' DAGs and no CouchDB."""
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "accounts.py").write_text(DAG_FILE, encoding="utf-8")
    shutil.copyfile(airflow_home / "airflow.db", tmp_path / "airflow.db")
    env = {
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{tmp_path / 'airflow.db'}?timeout=60",
        "AIRFLOW__CORE__DAGS_FOLDER": str(tmp_path / "dags"),
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        # Both accounts are due at the same minute, whenever the tests run.
        "AIRFLOW__GRDF__SPREAD_MINUTES": "1",
        # These tests are not about tasks, so no task may start.
        "AIRFLOW__CORE__PARALLELISM": "1",
        "AIRFLOW__SCHEDULER__MAX_TIS_PER_QUERY": "1",
        "AIRFLOW__WORKERS__EXECUTION_API_RETRIES": "1",  # the one that starts all the same finds no API server
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": "0",
        "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "plugins"))),
    }
    with Forks(AIRFLOW, env) as forks:
        yield Scheduler(tmp_path, forks)


def test_lowering_publication_days_neither_stops_the_scheduler_nor_skips_a_day(scheduler: Scheduler) -> None:
    """Both gas days are due at the same time: the first one by the old setting, the second one by the new setting."""
    scheduler.read_files_and_schedule(AIRFLOW__GRDF__PUBLICATION_DAYS="1")
    before = {dag: scheduler.runs(dag) for dag in DAGS}
    assert all(len(runs) == 1 for runs in before.values()), before
    scheduler.end_runs()
    printed = scheduler.read_files_and_schedule(AIRFLOW__GRDF__PUBLICATION_DAYS="0")
    assert "IntegrityError" not in printed
    runs = {dag: scheduler.runs(dag) for dag in DAGS}
    assert all(len(each) == 2 for each in runs.values()), (runs, printed[-3000:])
    assert all(list(each.values()) == [f"scheduled__{day}" for day in each] for each in runs.values())


def test_backfills_before_and_after_the_change_read_each_day(scheduler: Scheduler) -> None:
    """Airflow chooses the names of their runs, and silently skips a day whose name is taken."""
    made = []
    for days, first, end in (("1", "2026-03-01", "2026-03-04"), ("0", "2026-03-03", "2026-03-08")):
        settings = {"AIRFLOW__GRDF__PUBLICATION_DAYS": days}
        scheduler.run("dags", "reserialize", **settings)
        made.append(
            scheduler.run("backfill", "create", "--dag-id", DAGS[0], "--from-date", first, "--to-date", end, **settings)
        )
        scheduler.query("UPDATE backfill SET completed_at = created_at")
    days_of_runs = scheduler.runs(DAGS[0])
    assert list(days_of_runs) == [f"2026-03-0{day}" for day in range(1, 8)], (days_of_runs, json.dumps(made)[-2000:])
