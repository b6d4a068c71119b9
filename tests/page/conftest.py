"""Databases for a single test, and the page."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import pytest
import requests

from grdf.hooks.couchdb import CouchDBHook
from include.gas.days.gas_day import paris_today
from include.sandbox.processes import Processes
from tests.connect.site import Site
from tests.page_accounts import Fleet

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld


@pytest.fixture
def couchdb(world: LocalWorld, monkeypatch: pytest.MonkeyPatch) -> Iterator[CouchDBHook]:
    """A hook for the connection ``couchdb``, with databases that no other test uses."""
    parts, login = urlsplit(world.couch.url), (world.couch.user, world.couch.password)
    root, prefix = f"{parts.scheme}://{parts.hostname}:{parts.port}", f"page{secrets.token_hex(4)}/"
    connection = {
        "conn_type": "generic", "host": root, "login": login[0], "password": login[1],
        "extra": {"database_prefix": prefix},
    }  # fmt: skip
    monkeypatch.setenv("AIRFLOW_CONN_COUCHDB", json.dumps(connection))
    yield CouchDBHook()
    for name in requests.get(f"{root}/_all_dbs", auth=login, timeout=30).json():
        if name.startswith(prefix):
            requests.delete(f"{root}/{quote(name, safe='')}", auth=login, timeout=30)


@pytest.fixture(scope="session")
def site(world: LocalWorld, airflow_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Airflow's API server with the page, one user for each role, and the session's CouchDB."""
    with Processes() as processes:
        made = Site(tmp_path_factory.mktemp("site"), world, airflow_home / "airflow.db")
        made.start(processes)
        yield made


@pytest.fixture(scope="module")
def today() -> date:
    return paris_today(datetime.now(UTC))


@pytest.fixture(scope="module")
def accounts(world: LocalWorld, today: date) -> None:
    """Sixty accounts in all states, among those of other tests."""
    for number in range(60):
        world.book.save(Fleet(today).account(number))
