"""Re-reads and backfills: operators in this process, and whole DAGs in a worker."""

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
