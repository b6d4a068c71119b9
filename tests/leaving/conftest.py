"""Leaving: the steps of a deletion in this process, whole DAGs in a worker, and once with all of Airflow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.leaving.household import Couch
from tests.runs.runner import Worker, worker

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld


@pytest.fixture(scope="session")
def dags(world: LocalWorld, airflow_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """The process that runs whole DAGs."""
    with worker(tmp_path_factory.mktemp("dags") / "worker.log", world) as running:
        yield running


@pytest.fixture(scope="session")
def forks(world: LocalWorld, airflow_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """A process that executes deletions and loads in forks of itself. It runs no DAG, so that it has no threads."""
    with worker(tmp_path_factory.mktemp("forks") / "worker.log", world) as running:
        yield running


@pytest.fixture
def couch(world: LocalWorld) -> Couch:
    """Plain HTTP to the session's CouchDB."""
    return Couch(world)
