"""A database that CouchDB has lost is not a fleet without accounts, and not well."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from grdf.hooks.couchdb import CouchDBHook
from include.gas.documents.doctypes import ACCOUNT, AUDIT, DAY, DOCTYPES, MONTH, YEAR
from tests.health.accounts import account

if TYPE_CHECKING:
    from tests.health.scene import Fleet

Lose = Callable[..., CouchDBHook]


@pytest.fixture
def lose(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> Lose:
    """Remove databases as an accident does."""
    monkeypatch.setenv("AIRFLOW_CONN_COUCHDB", json.dumps(fleet.connection))

    def removed(*doctypes: str) -> CouchDBHook:
        couchdb = CouchDBHook()
        for doctype in doctypes:
            assert couchdb.request("DELETE", doctype, "").ok
        return couchdb

    return removed


def test_accounts_that_are_gone(fleet: Fleet, lose: Lose) -> None:
    couchdb = lose(ACCOUNT)
    run = fleet.check()
    assert run.state == "failed"
    assert "the accounts could not be looked at: CouchDB has no database for io.cozy.accounts" in run.output
    couchdb.create_database(ACCOUNT)
    assert fleet.check().state == "success", "as a new installation"
    couchdb.write(DAY, [{"_id": "a:1:2026-01-01", "account": "a"}])
    run = fleet.check()
    assert run.state == "failed"
    assert "io-cozy-accounts (holds no account, and days of some are stored)" in run.output


def test_a_database_that_is_missing_or_was_made_anew_is_red(fleet: Fleet, lose: Lose) -> None:
    fleet.add(*(account(number, days=200) for number in range(840, 843)))
    assert fleet.check().state == "success"
    couchdb = lose(DAY, AUDIT)
    run = fleet.check()
    assert run.state == "failed"
    assert f"2 of {len(DOCTYPES)} databases are missing in CouchDB, or have lost documents" in run.output
    assert f"{couchdb.prefix.rstrip('/')}" in run.output
    assert "com-grandlyon-grdf-day (is missing)" in run.output
    assert "com-grandlyon-grdf-audit (is missing)" in run.output
    lose(MONTH, YEAR)
    for doctype in (DAY, MONTH, YEAR, AUDIT):
        couchdb.create_database(doctype)
    run = fleet.check()
    assert run.state == "failed"
    assert f"2 of {len(DOCTYPES)} databases" in run.output, (
        "of so few days, the years' indexes hide that no year is there"
    )
    assert "and the accounts' days make 600 at least" in run.output
    assert "silent:" not in run.output
