"""A real API server with the page, and one user for each role."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from grdf.quota.ledger import Ledger
from include.sandbox.processes import Processes
from tests.connect.links import ledger
from tests.connect.site import FabSite, Site

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld


@pytest.fixture(scope="session")
def site(world: LocalWorld, airflow_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Airflow's API server with SimpleAuthManager, below a sub-path as behind many proxies."""
    with Processes() as processes:
        made = Site(tmp_path_factory.mktemp("site"), world, airflow_home / "airflow.db", path="/gas/airflow")
        made.start(processes)
        yield made


@pytest.fixture(scope="session")
def fab_site(world: LocalWorld, airflow_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Airflow's API server with FAB as its auth manager."""
    with Processes() as processes:
        made = FabSite(tmp_path_factory.mktemp("fab-site"), world)
        made.start(processes)
        yield made


@pytest.fixture
def door(site: Site, clean: LocalWorld, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The site, with a fresh sandbox that sends households back to it.

    This process shares its secret and its connections, so that a test can open what was sealed.
    """
    clean.control.set(redirect_uris=[site.redirect_uri])
    monkeypatch.setenv("AIRFLOW__API__SECRET_KEY", site.stack.env["AIRFLOW__API__SECRET_KEY"])
    monkeypatch.setenv("AIRFLOW_CONN_GRDF_ADICT", site.stack.env["AIRFLOW_CONN_GRDF_ADICT"])
    assert json.loads(site.stack.env["AIRFLOW_CONN_GRDF_ADICT"])["extra"]["redirect_uri"] == site.redirect_uri
    return site


@pytest.fixture(scope="session")
def open_site(world: LocalWorld, airflow_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An API server at its host's root, on which households may connect with links."""
    with Processes() as processes:
        home = tmp_path_factory.mktemp("open-site")
        settings = {
            "AIRFLOW__GRDF__HOUSEHOLD_LINKS": "True",
            "AIRFLOW__API__SECRET_KEY": "a secret of the tests",
            "AIRFLOW__GRDF__ALERT_NOTIFIER_KWARGS": '{"token": "a-token-of-the-tests"}',
            "AIRFLOW__GRDF__QUOTA_URL": f"sqlite:///{home}/a-login-of-the-tests.db",
            "AIRFLOW__API__EXPOSE_CONFIG": "True",
        }
        made = Site(home, world, airflow_home / "airflow.db", settings=settings)
        made.start(processes)
        yield made


@pytest.fixture
def front(open_site: Site, clean: LocalWorld, monkeypatch: pytest.MonkeyPatch) -> Site:
    """That site, with a sandbox that sends households back to it. This process shares its settings."""
    clean.control.set(redirect_uris=[open_site.redirect_uri])
    for name in ("AIRFLOW__GRDF__HOUSEHOLD_LINKS", "AIRFLOW__API__SECRET_KEY", "AIRFLOW_CONN_GRDF_ADICT"):
        monkeypatch.setenv(name, open_site.stack.env[name])
    return open_site


@pytest.fixture(scope="session")
def direct_site(world: LocalWorld, airflow_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An API server that offers the direct way alone, and does not know its own address."""
    with Processes() as processes:
        connection = json.loads(world.connections()["AIRFLOW_CONN_GRDF_ADICT"])
        del connection["extra"]["redirect_uri"], connection["extra"]["authorize_url"]
        settings = {
            "AIRFLOW_CONN_GRDF_ADICT": json.dumps(connection),
            "AIRFLOW__GRDF__WAYS_IN": "direct",
            "AIRFLOW__GRDF__HOUSEHOLD_LINKS": "True",
            "AIRFLOW__API__BASE_URL": "",
        }
        made = Site(tmp_path_factory.mktemp("direct-site"), world, airflow_home / "airflow.db", settings=settings)
        made.start(processes)
        yield made


@pytest.fixture
def fresh(front: Site) -> Iterator[Site]:
    """The site on a day without any calls so far. It is reset again after the test."""
    governor = ledger(front)
    governor._store.update(governor._key, lambda _text, _now: (Ledger().text(), None))
    yield front
    governor._store.update(governor._key, lambda _text, _now: (Ledger().text(), None))
