"""One installation with two clients at GRDF: ``grdf_adict``, and ``grdf_south`` with rights and a quota of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from grdf.hooks.couchdb import CouchDBHook
from include.gas.documents.doctypes import METER
from include.sandbox.local_world import LocalWorld
from tests.clients.scene import LISTED, SOUTH, USUAL, account_of, connections
from tests.connect.site import Site
from tests.helpers import MemoryShelf


@pytest.fixture
def two(clean: LocalWorld, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalWorld]:
    monkeypatch.setattr("grdf.hooks.adict.Variables", MemoryShelf)  # outside a task there are no Variables
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
def other(account_id: str) -> str:
    return f"south-{400_000 + int(account_id.rpartition('-')[2])}"


@pytest.fixture
def pair(two: LocalWorld, account_id: str, other: str) -> tuple[str, str]:
    account_of(two, account_id, USUAL)
    account_of(two, other, SOUTH)
    two.control.clear_log()
    return account_id, other


@pytest.fixture
def page(two: LocalWorld, airflow_home: object, monkeypatch: pytest.MonkeyPatch) -> Site:
    site = Site(two, settings={"AIRFLOW__GRDF__CONNECTIONS": LISTED, "AIRFLOW__GRDF__HOUSEHOLD_LINKS": "True"})
    site.env |= connections(two, redirect_uri=site.redirect_uri)
    # Eight meters are all that the usual client has room for (five sixths of ten calls a day).
    usual = json.loads(site.env["AIRFLOW_CONN_GRDF_ADICT"])
    usual["extra"] |= {"calls_per_day": 10}
    site.env["AIRFLOW_CONN_GRDF_ADICT"] = json.dumps(usual)
    return site.opened(monkeypatch)
