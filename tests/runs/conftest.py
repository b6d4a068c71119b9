"""Whole runs: Airflow's ``dag.test()`` in a separate process, with the session's sandbox and CouchDB."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.runs.runner import Worker, worker

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld


@pytest.fixture(scope="session")
def airflow(world: LocalWorld, airflow_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """The process that runs DAGs."""
    with worker(tmp_path_factory.mktemp("runs") / "airflow.log", world) as running:
        yield running


@pytest.fixture(scope="session")
def steps(world: LocalWorld, airflow_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """A process that runs single operators in forks of itself. It never runs a DAG, so that it has no threads."""
    with worker(tmp_path_factory.mktemp("steps") / "steps.log", world) as running:
        yield running


@pytest.fixture(autouse=True)
def calm(request: pytest.FixtureRequest) -> Iterator[None]:
    """Reset the sandbox's faults, settings and log before each test, and remove its accounts after it.

    Each ``dag.test()`` parses all DAG files and writes all DAGs to Airflow's database. With the accounts of a hundred
    former tests that would be most of what it does.
    """
    if not {"world", "airflow"} & set(request.fixturenames):
        yield
        return
    from include.sandbox.adict.world import DEFAULTS

    world = request.getfixturevalue("world")
    world.control.set(**DEFAULTS)
    world.control.set_clock(None)
    world.control.clear_log()
    before = world.book.listed()
    yield
    for account in set(world.book.listed()).difference(before):
        world.book.remove(account)
