"""A fleet at rest: its cost, and how soon Airflow sees an account come or go. All DAGs are paused."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.fleet_accounts import Member
from benchmarks.fleet_asked import Asked
from benchmarks.fleet_setting import Running, running
from benchmarks.report import Report, Target
from include.gas.documents.day_documents import dag_id
from include.sandbox.connect import AccountDocuments
from tests.postgres import version

SETTLING = 90.0
"""Seconds for the components to settle before the measurement."""
LIMIT_CORES, LIMIT_CORES_LARGE, LIMIT_SECONDS = 0.05, 0.10, 15.0
LARGE = 20_000
PATIENCE = 300.0
REPEATS = 3


def run(report: Report, home: Path, asked: Asked) -> None:
    with running(home, asked) as here:
        report.facts = {
            "accounts": asked.accounts, "minutes": asked.idle, "postgresql": version(), **asked.settings
        }  # fmt: skip
        here.start_dags()
        here.airflow.pause_all()
        here.airflow.start(here.processes, "scheduler")
        time.sleep(SETTLING)
        _measure(report, here, 60 * (asked.idle or 0))
        _changes(report, here)


def _measure(report: Report, here: Running, seconds: float) -> None:
    here.say(f"Nothing is due. It is watched for {seconds:.0f} s.")
    before, start = here.cpu(), time.monotonic()
    time.sleep(seconds)
    wall = time.monotonic() - start
    used = {name: spent - before.get(name, 0.0) for name, spent in here.cpu().items()}
    total = sum(used.values()) / wall
    rows = [{"component": name, "cores": spent / wall} for name, spent in sorted(used.items(), key=lambda one: -one[1])]
    report.tables["At rest, CPU in cores"] = [*rows, {"component": "all", "cores": total}]
    limit = LIMIT_CORES if len(here.fleet.members) < LARGE else LIMIT_CORES_LARGE
    report.targets.append(Target("cores at rest, all components", total, limit))


def _changes(report: Report, here: Running) -> None:
    book = AccountDocuments(here.world.couch.url, here.world.couch.user, here.world.couch.password)
    rows = []
    for number in range(len(here.fleet.members), len(here.fleet.members) + REPEATS):
        newcomer = Member(f"newcomer-{number}", f"0999999{number:07}")
        dag = dag_id(newcomer.id)
        here.fleet.connect(here.world, [newcomer])
        came = _until(lambda dag=dag: here.airflow.has_dag(dag))
        book.remove(newcomer.id)
        went = _until(lambda dag=dag: not here.airflow.has_dag(dag))
        here.say(f"A new account had its DAG after {came:.1f} s, and once it was removed, none after {went:.1f} s.")
        rows.append({"account": newcomer.id, "DAG after, s": came, "no DAG after, s": went})
    report.tables["An account comes and goes"] = rows
    for what in ("DAG after, s", "no DAG after, s"):
        report.targets.append(Target(f"longest: {what}", max(row[what] for row in rows), LIMIT_SECONDS))


def _until(true: Callable[[], bool]) -> float:
    start = time.monotonic()
    while not true() and time.monotonic() - start < PATIENCE:
        time.sleep(0.2)
    return time.monotonic() - start
