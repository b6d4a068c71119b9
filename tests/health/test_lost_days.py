"""Days that CouchDB has lost, whole databases of them or some of an account."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from grdf.hooks.couchdb import CouchDBHook
from include.gas.documents.doctypes import AUDIT, DAY, MONTH, YEAR
from tests.health.accounts import account, meter

if TYPE_CHECKING:
    from tests.health.scene import Fleet


@pytest.fixture
def lose(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> Callable[..., CouchDBHook]:
    """Remove databases."""
    monkeypatch.setenv("AIRFLOW_CONN_COUCHDB", json.dumps(fleet.connection))

    def removed(*doctypes: str) -> CouchDBHook:
        couchdb = CouchDBHook()
        for doctype in doctypes:
            assert couchdb.request("DELETE", doctype, "").ok
        return couchdb

    return removed


def test_a_database_that_is_missing_or_was_made_anew_is_red(fleet: Fleet, lose: Callable[..., CouchDBHook]) -> None:
    fleet.add(*(account(number, days=200) for number in range(840, 843)))
    assert fleet.check().state == "success"
    couchdb = lose(DAY, AUDIT)
    run = fleet.check()
    assert run.state == "failed"
    assert "2 of 9 databases are missing in CouchDB, or have lost documents" in run.output
    prefix = couchdb.prefix
    assert f"{prefix.rstrip('/')}" in run.output
    assert "com-grandlyon-grdf-day (is missing)" in run.output
    assert "com-grandlyon-grdf-audit (is missing)" in run.output
    assert "docs/operations.md" in run.output
    lose(MONTH, YEAR)
    for doctype in (DAY, MONTH, YEAR, AUDIT):
        couchdb.create_database(doctype)
    run = fleet.check()
    assert run.state == "failed"
    assert "2 of 9 databases" in run.output, "of so few days, the years' indexes hide that no year is there"
    assert "and the accounts' days make 600 at least" in run.output
    assert "silent:" not in run.output


def test_an_account_that_has_lost_days_is_red_until_they_are_back(fleet: Fleet) -> None:
    lost = {"lost_days": {meter(850): {"years": {"2026": 9}}}}
    fleet.add(account(850, **lost), *(account(number) for number in range(851, 860)))
    run = fleet.check()
    assert run.state == "failed"
    assert "1 of 10 accounts have lost stored days" in run.output
    assert "watched-00850 (of 2026)" in run.output
