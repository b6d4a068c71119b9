"""An installation in which no right is left of accounts that other tests have removed."""

from __future__ import annotations

import pytest

from grdf.hooks.couchdb import CouchDBHook
from include.gas.documents.doctypes import METER
from include.sandbox.local_world import LocalWorld


@pytest.fixture(autouse=True)
def no_rights(clean: LocalWorld) -> None:
    couchdb = CouchDBHook()
    if couchdb.has_database(METER):
        gone = [{"_id": each["_id"], "_rev": each["_rev"], "_deleted": True} for each in couchdb.scan(METER)]
        couchdb.write(METER, gone)
