"""A CouchDB that has lost its accounts is not a fleet without accounts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import requests

from grdf.hooks.couchdb import CouchDBHook
from include.gas.documents.doctypes import ACCOUNT
from tests.health.accounts import account

if TYPE_CHECKING:
    from tests.health.scene import Fleet

LEFT = 2


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


def test_an_empty_or_half_restored_database_is_red_until_the_accounts_are_back(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = [account(number) for number in range(800, 815)]
    fleet.add(*documents)
    assert fleet.check().state == "success"
    lose_database(fleet, monkeypatch).create_database(ACCOUNT)
    run = fleet.check()
    assert run.state == "failed"
    assert "15 of 15 known accounts are gone from CouchDB" in run.output
    assert "lost: 15 of 15" in run.output
    fleet.add(*documents[:LEFT])
    run = fleet.check()
    assert run.state == "failed"
    assert "13 of 15 known accounts are gone from CouchDB" in run.output
    fleet.add(*documents[LEFT:])
    assert fleet.check().state == "success"


def test_a_small_fleet_that_has_lost_more_than_half_is_red(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    documents = [account(number) for number in range(830, 834)]
    fleet.add(*documents)
    assert fleet.check().state == "success"
    lose_database(fleet, monkeypatch).create_database(ACCOUNT)
    fleet.add(documents[0])
    run = fleet.check()
    assert run.state == "failed"
    assert "3 of 4 known accounts are gone from CouchDB" in run.output
    fleet.add(*documents[1:])
    assert fleet.check().state == "success"


def test_households_that_were_deleted_are_not_missed_in_a_small_fleet(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.add(*(account(number) for number in range(835, 839)))
    assert fleet.check().state == "success"
    monkeypatch.setenv("AIRFLOW_CONN_COUCHDB", json.dumps(fleet.connection))
    couchdb = CouchDBHook()
    stored = couchdb.fetch(ACCOUNT, [f"watched-{number:05}" for number in range(836, 839)]).values()
    couchdb.write(ACCOUNT, [{"_id": each["_id"], "_rev": each["_rev"], "_deleted": True} for each in stored])
    assert fleet.check().state == "success"


def test_a_household_that_was_deleted_is_not_missed(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet.add(account(820))
    assert fleet.check().state == "success"
    monkeypatch.setenv("AIRFLOW_CONN_COUCHDB", json.dumps(fleet.connection))
    couchdb = CouchDBHook()
    stored = couchdb.get(ACCOUNT, "watched-00820")
    assert stored
    couchdb.write(ACCOUNT, [{"_id": stored["_id"], "_rev": stored["_rev"], "_deleted": True}])
    run = fleet.check()
    assert run.state == "success"
    assert "No account is connected yet" in run.output
