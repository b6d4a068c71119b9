"""A real Airflow on PostgreSQL with ``airflow.env``, and queries of its database.

Its DAG processor has the compose file's settings for the accounts'.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import yaml

from benchmarks.fleet_asked import Asked
from benchmarks.fleet_clients import environment, variable
from include.gas.days.gas_day import gas_day_of
from include.gas.documents.day_documents import DAG_PREFIX
from include.sandbox.adict.identity import Party
from include.sandbox.airflow_stack import AirflowStack
from include.sandbox.local_world import LocalWorld
from include.sandbox.processes import Child, ProcessError, Processes
from tests.postgres import Postgres

_ROOT = Path(__file__).resolve().parents[1]
_COMPOSE = yaml.safe_load((_ROOT / "docker-compose.yaml").read_text(encoding="utf-8"))["services"]
READING = {
    name: value
    for name, value in _COMPOSE["airflow-account-processor"]["environment"].items()
    if name.startswith(("AIRFLOW__DAG_PROCESSOR__", "AIRFLOW__SCHEDULER__"))
}


class FleetAirflow:
    """Airflow's components, started one by one."""

    def __init__(
        self, home: Path, world: LocalWorld, database: Postgres, asked: Asked, clients: Mapping[str, Party]
    ) -> None:
        env = world.connections() | environment(world, clients)
        for name in map(variable, clients):
            connection = json.loads(env[name])
            connection["extra"] |= {"calls_per_second": asked.per_second, "calls_per_day": 1_000_000}
            env[name] = json.dumps(connection)
        self.stack = AirflowStack(
            home, 0, env | database.airflow_settings() | READING | dict(asked.settings), few=False
        )
        self.children: dict[str, Child] = {}
        self._url = database.url
        self._db: psycopg.Connection[Any] | None = None

    def migrate(self) -> None:
        self.stack.migrate()
        self._db = psycopg.connect(self._url, autocommit=True)

    def start(self, processes: Processes, *names: str) -> None:
        """Start components, and wait for the API server."""
        for name in names:
            self.children[name] = self.stack.component(processes, name)
        if "api-server" in names:
            self.stack.await_api(self.children["api-server"])

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Query Airflow's database; ``ProcessError`` if a component has exited."""
        for child in self.children.values():
            if not child.alive():
                raise ProcessError(f"{child.name} ended by itself. Its log ends with:\n{child.tail()}")
        assert self._db is not None
        return self._db.execute(query.encode(), values).fetchall()

    def dags(self) -> int:
        return int(self.rows("SELECT count(*) FROM dag WHERE dag_id LIKE 'grdf_account__%%' AND NOT is_stale")[0][0])

    def pause(self, dag: str) -> None:
        limit = time.monotonic() + 120
        while not self.has_dag(dag) and time.monotonic() < limit:
            time.sleep(0.5)
        self.stack.api("PATCH", f"/dags/{dag}", json={"is_paused": True}).raise_for_status()

    def pause_all(self) -> None:
        assert self._db is not None
        self._db.execute("UPDATE dag SET is_paused = true")

    def has_dag(self, dag: str) -> bool:
        return bool(self.rows("SELECT 1 FROM dag WHERE dag_id = %s AND NOT is_stale", dag))

    def await_dags(self, count: int, seconds: float) -> float:
        """Wait until exactly so many accounts have a DAG; return the seconds, or raise ``ProcessError``."""
        start = time.monotonic()
        while (found := self.dags()) < count:
            if time.monotonic() - start > seconds:
                raise ProcessError(f"Only {found} of {count} accounts have a DAG after {seconds:.0f} s")
            time.sleep(0.5)
        others = {file.stem for file in (_ROOT / "dags").glob("grdf_*.py")} - {"grdf_accounts"}
        while not all(map(self.has_dag, others)) and time.monotonic() - start < seconds:
            time.sleep(0.5)
        return time.monotonic() - start

    def runs(self, kind: str) -> dict[str, int]:
        query = "SELECT state, count(*) FROM dag_run WHERE run_type = %s AND dag_id LIKE 'grdf_account__%%' GROUP BY 1"
        return dict(self.rows(query, kind))

    def tasks(self) -> dict[str, int]:
        query = "SELECT coalesce(state, 'none'), count(*) FROM task_instance WHERE dag_id LIKE %s GROUP BY 1"
        return dict(self.rows(query, f"{DAG_PREFIX}%"))

    def unfinished(self) -> list[str]:
        query = (
            "SELECT dag_id, task_id, state FROM task_instance"
            " WHERE dag_id LIKE %s AND state IS DISTINCT FROM 'success' LIMIT 5"
        )
        return [f"{dag} {task} {state}" for dag, task, state in self.rows(query, f"{DAG_PREFIX}%")]

    def span(self, kind: str) -> tuple[datetime | None, datetime | None]:
        query = (
            "SELECT min(queued_at), max(end_date) FROM dag_run"
            " WHERE run_type = %s AND dag_id LIKE %s AND dag_id NOT LIKE '%%newcomer%%'"
        )
        first, last = self.rows(query, kind, f"{DAG_PREFIX}%")[0]
        return first, last

    def last_days(self) -> dict[str, date]:
        """Return the newest gas day requested by each account's successful runs, also by manual ones."""
        query = (
            "SELECT dag_id, data_interval_start, run_after FROM dag_run"
            " WHERE state = 'success' AND run_type <> 'backfill' AND dag_id LIKE %s"
        )
        newest: dict[str, date] = {}
        for dag, start, run_after in self.rows(query, f"{DAG_PREFIX}%"):
            day = gas_day_of(start) if start else gas_day_of(run_after) - timedelta(days=1)
            account = dag.removeprefix(DAG_PREFIX)
            newest[account] = max(day, newest.get(account, day))
        return newest

    def dag_files(self) -> list[tuple[str, int, datetime, float]]:
        """Return the accounts' DAG files: name, number of accounts, last time written, seconds to build."""
        return self.rows(  # type: ignore[return-value]  # what PostgreSQL gives for these columns
            "SELECT relative_fileloc, count(*), max(last_parsed_time), max(last_parse_duration) FROM dag"
            " WHERE dag_id LIKE %s AND NOT is_stale GROUP BY 1",
            f"{DAG_PREFIX}%",
        )

    def errors(self) -> list[str]:
        return [text.splitlines()[-1] for (text,) in self.rows("SELECT stacktrace FROM import_error")]
