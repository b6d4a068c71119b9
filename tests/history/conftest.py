"""The past: re-reads and backfills by their operators in this process, whole DAGs in a worker, once under Airflow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.runs.runner import Run, Worker

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld


class HistoryWorker(Worker):
    """A worker that runs any DAG."""

    module = "tests.history.worker"

    def run_named(self, dag_id: str, conf: dict[str, Any]) -> Run:
        """Run a DAG with what its form was given."""
        seen, start = self._mark()
        answer = self.ask("run_named", dag_id=dag_id, conf=conf)
        return Run(
            answer["state"], answer["tasks"], self._since(start), self._world.control.log(seen), answer["run_id"]
        )


@pytest.fixture(scope="session")
def dags(world: LocalWorld, airflow_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HistoryWorker]:
    """The process that runs whole DAGs."""
    running = HistoryWorker(tmp_path_factory.mktemp("history") / "worker.log", world)
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture(autouse=True)
def calm(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sandbox that no other test has changed, and a folder of its own for what operators in this process stage."""
    if "dags" not in request.fixturenames:
        monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    if "world" in request.fixturenames and "stack" not in request.fixturenames:
        request.getfixturevalue("clean")
