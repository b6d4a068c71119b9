"""A real API server with the page, and one user of each role."""

from __future__ import annotations

import json
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


@pytest.fixture
def door(site: Site, clean: LocalWorld, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The site, to which a sandbox that no other test has changed sends households back.

    This process shares its secret and its connections, so that a test can look into what was sealed.
    """
    clean.control.set(redirect_uris=[site.redirect_uri])
    monkeypatch.setenv("AIRFLOW__API__SECRET_KEY", site.stack.env["AIRFLOW__API__SECRET_KEY"])
    monkeypatch.setenv("AIRFLOW_CONN_GRDF_ADICT", site.stack.env["AIRFLOW_CONN_GRDF_ADICT"])
    assert json.loads(site.stack.env["AIRFLOW_CONN_GRDF_ADICT"])["extra"]["redirect_uri"] == site.redirect_uri
    return site
