"""A real API server with the page, and one user of each role."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from include.sandbox.processes import Processes
from tests.connect.site import Site

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld


@pytest.fixture(scope="session")
def site(world: LocalWorld, airflow_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Airflow's API server with SimpleAuthManager, below a sub-path as behind many a proxy."""
    with Processes() as processes:
        made = Site(tmp_path_factory.mktemp("site"), world, airflow_home / "airflow.db", path="/gas/airflow")
        made.start(processes)
        yield made
