"""The account's note about its stored days, for the page's list. Every way of storing days updates or repairs it."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from grdf.hooks.couchdb import CouchDBHook
from include.gas.account.status import Status
from include.gas.documents.doctypes import DAY
from include.gas.documents.gas_days import account_range
from include.gas.documents.year_counts import stored_years
from include.sandbox.local_world import LocalWorld
from tests.helpers import connect_cozy, known_account, yesterday
from tests.history.steps import read
from tests.plugins.steps import acquire, document, extract, load


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An Airflow home with a separate staging folder."""
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    return tmp_path


def assert_told(couchdb: CouchDBHook, world: LocalWorld, account_id: str, *pces: str) -> None:
    for pce in pces:
        days = couchdb.range(DAY, *account_range(account_id, pce))
        assert days
        assert Status.reading(document(world, account_id), pce).by_year() == stored_years(days)


def test_a_first_launch_tells_what_it_stored_and_a_run_that_finds_nothing_new_leaves_the_account_as_it_is(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    pces = connect_cozy(clean, account_id, 2)
    acquire(account_id)
    day = yesterday(clean)
    load(account_id, extract(account_id, day))
    assert_told(couchdb, clean, account_id, *pces)
    assert len(Status.reading(document(clean, account_id), pces[0]).by_year()) >= 3
    revision = document(clean, account_id)["_rev"]
    load(account_id, extract(account_id, day))
    assert document(clean, account_id)["_rev"] == revision


def test_a_range_read_again_is_told_too(clean: LocalWorld, couchdb: CouchDBHook, account_id: str) -> None:
    (pce,) = known_account(clean, account_id)
    first = date(clean.control.today().year - 1, 3, 1)
    read(account_id, first, first + timedelta(days=5))
    assert_told(couchdb, clean, account_id, pce)
    load(account_id, extract(account_id, yesterday(clean)))
    assert_told(couchdb, clean, account_id, pce)
    read(account_id, first - timedelta(days=365), first - timedelta(days=350))
    assert_told(couchdb, clean, account_id, pce)
    assert Status.reading(document(clean, account_id), pce).by_year()[first.year - 1].days >= 15
