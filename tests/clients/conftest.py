"""One installation with two clients at GRDF: ``grdf_adict``, and ``grdf_south`` with rights and a quota of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from grdf.hooks.couchdb import CouchDBHook
from grdf.quota.ledger import Ledger
from include.gas.documents.doctypes import METER
from include.sandbox.processes import Processes
from tests.clients.scene import LISTED, connections
from tests.connect.links import ledger
from tests.connect.site import Site
from tests.helpers import MemoryShelf

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld


@pytest.fixture(autouse=True)
def shelf(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside a task there are no Variables."""
    monkeypatch.setattr("grdf.hooks.adict.Variables", MemoryShelf)


@pytest.fixture
def two(clean: LocalWorld, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalWorld]:
    """The world with both clients. There are no rights and no accounts but those of this test."""
    for name, value in connections(clean).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AIRFLOW__GRDF__CONNECTIONS", LISTED)
    clean.control.drop_consents()
    for name in clean.book.listed():
        if not name.startswith("_"):
            clean.book.remove(name)
    couchdb = CouchDBHook()
    couchdb.write(METER, [each | {"_deleted": True} for each in couchdb.scan(METER)])
    yield clean
    clean.control.drop_consents()


@pytest.fixture(scope="session")
def site_of_two(world: LocalWorld, airflow_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An API server with both clients, on which households may connect with links."""
    with Processes() as processes:
        settings = {
            "AIRFLOW__GRDF__CONNECTIONS": LISTED,
            "AIRFLOW__GRDF__HOUSEHOLD_LINKS": "True",
            "AIRFLOW__API__SECRET_KEY": "a secret of the tests",
        }
        made = Site(tmp_path_factory.mktemp("site"), world, airflow_home / "airflow.db", settings=settings)
        made.stack.env |= connections(world, redirect_uri=made.redirect_uri)
        # Eight meters are all that the usual client has room for (five sixths of ten calls a day).
        usual = json.loads(made.stack.env["AIRFLOW_CONN_GRDF_ADICT"])
        usual["extra"] |= {"calls_per_day": 10}
        made.stack.env["AIRFLOW_CONN_GRDF_ADICT"] = json.dumps(usual)
        made.start(processes)
        yield made


@pytest.fixture
def page(site_of_two: Site, two: LocalWorld, monkeypatch: pytest.MonkeyPatch) -> Site:
    """That site on a day without calls so far, with a sandbox that sends households back to it."""
    two.control.set(redirect_uris=[site_of_two.redirect_uri])
    governor = ledger(site_of_two)
    governor._store.update(governor._key, lambda _text, _now: (Ledger().text(), None))
    for name in ("AIRFLOW__GRDF__HOUSEHOLD_LINKS", "AIRFLOW__API__SECRET_KEY"):
        monkeypatch.setenv(name, site_of_two.stack.env[name])
    return site_of_two
