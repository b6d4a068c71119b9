"""A CouchDB that has lost its accounts is not a fleet without accounts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import requests

from grdf.hooks.couchdb import CouchDBHook
from include.gas.documents.doctypes import ACCOUNT, DAY

if TYPE_CHECKING:
    from tests.health.scene import Fleet


def lose_database(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> CouchDBHook:
    """Remove the database of accounts as an accident does: no trace of them is left."""
    monkeypatch.setenv("AIRFLOW_CONN_COUCHDB", json.dumps(fleet.connection))
    couchdb = CouchDBHook()
    response: requests.Response = couchdb.request("DELETE", ACCOUNT, "")
    assert response.ok
    return couchdb


def test_a_missing_database_is_red(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    lose_database(fleet, monkeypatch)
    run = fleet.check()
    assert run.state == "failed"
    assert "the accounts could not be looked at: CouchDB has no database for io.cozy.accounts" in run.output


def test_an_empty_database_beside_stored_days_is_red(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    couchdb = lose_database(fleet, monkeypatch)
    couchdb.create_database(ACCOUNT)
    assert fleet.check().state == "success", "as a new installation"
    couchdb.write(DAY, [{"_id": "a:1:2026-01-01", "account": "a"}])
    run = fleet.check()
    assert run.state == "failed"
    assert "io-cozy-accounts (holds no account, and days of some are stored)" in run.output
