"""One installation with two clients at GRDF: ``grdf_adict``, and ``grdf_south`` with rights and a quota of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from grdf.hooks.couchdb import CouchDBHook
from include.gas.documents.doctypes import METER
from tests.clients.scene import LISTED, connections
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


@pytest.fixture
def page(two: LocalWorld, airflow_home: object, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The page with both clients, on which households may connect with links."""
    site = Site(two, settings={"AIRFLOW__GRDF__CONNECTIONS": LISTED, "AIRFLOW__GRDF__HOUSEHOLD_LINKS": "True"})
    site.env |= connections(two, redirect_uri=site.redirect_uri)
    # Eight meters are all that the usual client has room for (five sixths of ten calls a day).
    usual = json.loads(site.env["AIRFLOW_CONN_GRDF_ADICT"])
    usual["extra"] |= {"calls_per_day": 10}
    site.env["AIRFLOW_CONN_GRDF_ADICT"] = json.dumps(usual)
    return site.opened(monkeypatch)
