"""``./grdf bench triggerer``: the cost of a task that starts directly in the triggerer, compared with a worker's.

The tasks only wait, in a real Airflow on PostgreSQL with the settings of ``airflow.env``. Airflow notifies the DAG
processor of each task that has ended in the triggerer, and the processor then parses the DAG file again. So the cost
grows with the number of DAGs in a file, and is measured for two sizes of file.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from include.sandbox.airflow_stack import AirflowStack
from include.sandbox.processes import Child, Processes
from tests.bench.fleet_processes import cpu_seconds
from tests.bench.report import Report, Row, machine
from tests.bench.triggerer_work import TASKS
from tests.postgres import Postgres, postgres, version

LIMIT_SECONDS = 300.0
SETTLE_SECONDS = 8.0
"""Seconds to wait after the DAGs exist, until all processes have finished starting."""


def main(argv: list[str]) -> int:
    """Run the benchmark and print the result. The exit code is 1 if tasks did not end."""
    parser = argparse.ArgumentParser(prog="./grdf bench triggerer", description="Workers beside the triggerer.")
    parser.add_argument("--dags", type=int, default=60, metavar="N", help="DAGs of four tasks (default: 60)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all figures to FILE")
    options = parser.parse_args(argv)
    facts = machine()
    print("\n".join(f"{name}: {value}" for name, value in facts.items()), flush=True)
    report = Report("triggerer", facts={"postgresql": version(), "tasks a DAG": TASKS})
    rows = []
    for count in sorted({max(1, options.dags // 4), options.dags}):
        for way in ("worker", "triggerer"):
            with tempfile.TemporaryDirectory(prefix="grdf-triggerer-", ignore_cleanup_errors=True) as scratch:
                rows.append(_measure(report, Path(scratch), way, count))
    report.tables["CPU seconds a task, by component"] = rows
    print("\n" + report.text(), flush=True)
    if options.json:
        told = {"machine": facts, "triggerer": report.data()}
        options.json.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return 1 if report.wrong else 0


def _measure(report: Report, home: Path, way: str, count: int) -> Row:
    with Processes() as processes, postgres(processes) as database:
        stack = AirflowStack(home / "airflow", 0, _settings(home, way, count, database), few=False)
        stack.migrate()
        children = {name: stack.component(processes, name) for name in ("api-server", "dag-processor", "triggerer")}
        stack.await_api(children["api-server"])
        with psycopg.connect(database.url, autocommit=True) as tables:
            _wait(lambda: _count(tables, "SELECT count(*) FROM dag") >= count)
            time.sleep(SETTLE_SECONDS)
            before, start = _cpu(children, database), time.monotonic()
            children["scheduler"] = stack.component(processes, "scheduler")
            ended = "SELECT count(*) FROM task_instance WHERE state = 'success'"
            if not _wait(lambda: _count(tables, ended) >= TASKS * count):
                report.wrong.append(f"{way}, {count} DAGs: not all tasks ended in {LIMIT_SECONDS:.0f} s")
            seconds, after = time.monotonic() - start, _cpu(children, database)
    tasks = TASKS * count
    spent = {name: (after[name] - before.get(name, 0.0)) / tasks for name in after}
    row = {"tasks run in": way, "DAGs in the file": count, "tasks/s": tasks / seconds, "all": sum(spent.values())}
    names = ("scheduler", "tasks", "api-server", "dag-processor", "triggerer", "postgres")
    return row | {name: spent.get(name, 0.0) for name in names}


def _settings(home: Path, way: str, count: int, database: Postgres) -> dict[str, str]:
    folder = home / "dags"
    folder.mkdir()
    lines = [
        "from airflow.sdk import DAG  # Airflow looks for this word",
        "from tests.bench.triggerer_work import dags",
        f"globals().update(dags({way!r}, {count}))",
    ]
    (folder / "naps.py").write_text("\n".join(lines), encoding="utf-8")
    return database.airflow_settings() | {"AIRFLOW__CORE__DAGS_FOLDER": str(folder)}


def _cpu(children: dict[str, Child], database: Postgres) -> dict[str, float]:
    return cpu_seconds({name: child.pid for name, child in children.items()} | {"postgres": database.child.pid})


def _count(tables: psycopg.Connection[tuple[int]], query: str) -> int:
    row = tables.execute(query.encode()).fetchone()
    return int(row[0]) if row else 0


def _wait(done: Callable[[], bool], seconds: float = LIMIT_SECONDS) -> bool:
    limit = time.monotonic() + seconds
    while not done():
        if time.monotonic() > limit:
            return False
        time.sleep(0.5)
    return True
