"""Re-reads and backfills: their operators in this process, whole DAGs in a worker, and once under Airflow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.runs.runner import Worker, worker

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld


@pytest.fixture(scope="session")
def dags(world: LocalWorld, airflow_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """The process that runs whole DAGs."""
    with worker(tmp_path_factory.mktemp("history") / "worker.log", world) as running:
        yield running


@pytest.fixture(autouse=True)
def calm(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fresh sandbox, and a separate staging folder for operators in this process."""
    if "dags" not in request.fixturenames:
        monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    if "world" in request.fixturenames and "stack" not in request.fixturenames:
        request.getfixturevalue("clean")
