"""An Airflow on several machines, simulated on one machine: workers that only share servers."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from include.sandbox.airflow_stack import AirflowStack
from include.sandbox.processes import Child, Processes
from tests.helpers import PATIENCE
from tests.postgres import start_postgres
from tests.servers import ObjectStore, start_object_store, start_redis

SECRET = "AIRFLOW_CONN_GRDFGRANDLYON_DELETE"


class CeleryStack(AirflowStack):
    store: ObjectStore

    def __init__(self, home: Path, env: Mapping[str, str], processes: Processes, *, workers: int = 2) -> None:
        home.mkdir(parents=True, exist_ok=True)
        database = start_postgres(processes).airflow_settings()
        redis = start_redis(processes, home)
        self.store = start_object_store(processes, home)
        shared = {
            "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
            "AIRFLOW__CORE__PARALLELISM": "8",
            **database,
            "AIRFLOW__CELERY__BROKER_URL": f"{redis}/0",
            "AIRFLOW__CELERY__RESULT_BACKEND": f"{redis}/2",
            "AIRFLOW__CELERY__WORKER_CONCURRENCY": "2",
            # A task is known to have lost its worker by its missing heartbeat, and one that it had taken but not
            # begun by its time in the queue. By default that takes 5 and 10 minutes.
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "40",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
            "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "60",
            "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "10",
            # Only logs share a folder, so that the API server finds them, as with remote logging.
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
            "AIRFLOW__GRDF__QUOTA_URL": database["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"],
            "AIRFLOW__GRDF__STAGING_URL": f"s3://grdf_staging@{self.store.bucket}/staging",
            "AIRFLOW__GRDF__DELETION_QUEUE": "deletion",
            "AIRFLOW_CONN_GRDF_STAGING": self.store.connection,
        }
        super().__init__(home, 0, shared | dict(env))
        self.number = workers
        self.workers: list[Child] = []

    def start(self, processes: Processes, *, triggerer: bool = False) -> None:
        super().start(processes, triggerer=triggerer)
        self.deletions = self._worker(processes, "worker-deletion", "deletion", {})
        # They have no secret that revokes consents.
        names = [f"worker-{number + 1}" for number in range(self.number)]
        self.workers = [self._worker(processes, name, "default", {SECRET: ""}) for name in names]
        for worker in (self.deletions, *self.workers):
            worker.await_line("ready", PATIENCE)

    def _worker(self, processes: Processes, name: str, queue: str, env: Mapping[str, str]) -> Child:
        home = self.home.with_name(f"{self.home.name}-{name}")
        home.mkdir()
        own = {"AIRFLOW_HOME": str(home), "TMPDIR": str(home)} | dict(env)
        celery = ("celery", "worker", "--skip-serve-logs", "--queues", queue, "-H", f"{name}@%h")
        argv = [sys.executable, "-m", "include.sandbox.preloaded_airflow", *celery]
        return processes.start(f"Airflow's {name}", argv, log=self.home / f"{name}.log", env=self.env | own, cwd=home)
