"""Airflow's real Celery workers, each with a user of its own in Redis, without the rest of Airflow."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from include.sandbox.processes import Child, Processes
from tests.helpers import wait
from tests.redis_users import GuardedRedis

if TYPE_CHECKING:
    from celery import Celery

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 120.0


class Workers:
    """Airflow's Celery workers with the project's configuration, and what the scheduler sends them."""

    def __init__(self, redis: GuardedRedis, processes: Processes, folder: Path) -> None:
        self.redis = redis
        self._processes = processes
        self._folder = folder
        self._number = 0

    def start(self, user: str, queues: str, *, ready: bool = True) -> Child:
        """Start a worker. It looks every second for messages that another one has not finished in five.

        :param ready: whether to wait until it takes messages
        """
        self._number += 1
        home = self._folder / f"{user}-{self._number}"
        home.mkdir()
        options = {"unacked_restore_interval": "1", "unacked_restore_throttle": "1", "visibility_timeout": "5"}
        worker = self._processes.start(
            f"the worker of {user}",
            [
                *(sys.executable, "-m", "airflow", "celery", "worker", "--skip-serve-logs", "--without-mingle"),
                *("--without-gossip", "--concurrency", "1", "--queues", queues),
            ],
            log=home / "log",
            env={
                **{f"AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__{name.upper()}": it for name, it in options.items()},
                "AIRFLOW_HOME": str(home),
                "AIRFLOW__CELERY__CELERY_CONFIG_OPTIONS": "grdf.airflow.celery_config.CONFIG",
                "AIRFLOW__CELERY__EXTRA_CELERY_CONFIG": json.dumps({"imports": ["tests.machines.slow_task"]}),
                "AIRFLOW__CELERY__BROKER_URL": f"{self.redis.url(user)}/0",
                "AIRFLOW__CELERY__RESULT_BACKEND": f"{self.redis.url(user)}/2",
                "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "plugins"))),
                "TMPDIR": str(home),
            },
            cwd=home,
        )
        if ready:
            worker.await_line("ready", SECONDS)
        return worker

    def alive(self, worker: Child) -> float:
        """Return when a worker last gave its sign of life."""
        return (worker.log.parent / "grdf-worker-alive").stat().st_mtime

    def scheduler(self) -> Celery:
        """Return Celery as the scheduler uses it."""
        from celery import Celery

        from grdf.airflow.celery_config import CONFIG, config

        url = self.redis.url("scheduler")
        return Celery(
            "scheduler", config_source=config(CONFIG | {"broker_url": f"{url}/0", "result_backend": f"{url}/2"})
        )

    def send(self, task: str, *arguments: Any, queue: str) -> str:
        """Send a task as the scheduler does, and return its id."""
        sent = self.scheduler().send_task(task, args=arguments, queue=queue)
        sent.backend.remove_pending_result(sent)  # as its end would, which may come when Redis has gone
        sent.backend = None
        return str(sent.id)

    def state(self, task: str) -> tuple[str, Any]:
        """Return the state of a task and its result, as the scheduler reads them."""
        found = self.scheduler().backend.get_task_meta(task)
        return found["status"], found["result"]

    def end(self, task: str) -> Any:
        """Wait until a task has succeeded, and return its result."""
        wait(lambda: self.state(task)[0] == "SUCCESS", SECONDS, f"an end of {task}")
        return self.state(task)[1]
