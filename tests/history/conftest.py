"""The past: re-reads and backfills by their operators in this process, whole DAGs in a worker, once under Airflow."""

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
    """A sandbox that no other test has changed, and a folder of its own for what operators in this process stage."""
    if "dags" not in request.fixturenames:
        monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    if "world" in request.fixturenames and "stack" not in request.fixturenames:
        request.getfixturevalue("clean")
