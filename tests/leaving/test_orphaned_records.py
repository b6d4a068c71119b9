"""A record of consent whose account was never made, or is gone, does not stay for ever."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from include.gas.account.sections.rights.declaration import Declaration
from include.gas.days.gas_day import paris_today, utc_text
from include.gas.documents.doctypes import AUDIT, CONSENT_RECORD
from include.gas.leaving.deletion_record import audit_entry
from include.gas.proof.consent_record import HOUSEHOLD, KEPT, new_record
from tests.leaving.runs import clear_away, restore_accounts
from tests.rights.declared import PERSON, give

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld

LONG_AGO, YEAR = timedelta(days=3), timedelta(days=365)


@pytest.fixture(autouse=True)
def nothing_stays_for_other_tests(clean: LocalWorld, account_id: str) -> Iterator[None]:
    from grdf.hooks.couchdb import CouchDBHook
    from grdf.stores.removal import Remover
    from include.gas.documents.gas_days import account_range

    yield
    clean.book.remove(account_id)
    for doctype in (AUDIT, CONSENT_RECORD):
        Remover(CouchDBHook()).remove_range(doctype, *account_range(account_id))
    Remover(CouchDBHook()).remove_range(CONSENT_RECORD, KEPT, KEPT + "\ufff0")


def record(account: str, age: timedelta = LONG_AGO) -> None:
    from grdf.hooks.couchdb import CouchDBHook
    from grdf.stores.records.consent_records import ConsentRecords

    declaration = Declaration(pce="09999999900017", perimeters=["informatives"], **PERSON)
    ConsentRecords(CouchDBHook()).add(new_record(account, declaration, datetime.now(UTC) - age, by=HOUSEHOLD))


def own(account: str) -> int:
    from grdf.hooks.couchdb import CouchDBHook
    from grdf.stores.records.consent_records import ConsentRecords

    return len(ConsentRecords(CouchDBHook()).of(account))


def kept() -> list[dict[str, Any]]:
    from grdf.hooks.couchdb import CouchDBHook

    return CouchDBHook().range(CONSENT_RECORD, KEPT, KEPT + "\ufff0")


def audit(account: str, **more: Any) -> None:
    from grdf.hooks.couchdb import CouchDBHook

    entry = audit_entry(account, "run-1", by="me", at=datetime.now(UTC), keep_data=False)
    CouchDBHook().put(AUDIT, entry | more)


@pytest.fixture
def neighbour(clean: LocalWorld) -> Iterator[str]:
    """An account with a record, so that the database of accounts is not empty."""
    from grdf.hooks.couchdb import CouchDBHook
    from grdf.stores.removal import Remover
    from include.gas.documents.gas_days import account_range

    name = "record-neighbour-9001"
    give(clean, name)
    record(name)
    yield name
    clean.book.remove(name)
    Remover(CouchDBHook()).remove_range(CONSENT_RECORD, *account_range(name))


def test_a_record_without_an_account_is_kept_as_after_a_deletion(account_id: str, neighbour: str) -> None:
    """The account may have come back from a backup that does not know it, so a right may rest on the record."""
    before = {each["_id"] for each in kept()}
    record(account_id, timedelta(hours=20))
    clear_away()
    assert own(account_id) == 1, "its account may be being made"
    record(account_id)
    assert clear_away() == 1
    assert own(account_id) == 1
    assert own(neighbour) == 1
    copies = [each for each in kept() if each["_id"] not in before]
    (copy,) = copies
    assert account_id not in str(copy)
    assert copy["kept_until"] > datetime.now(UTC).date().isoformat()


def test_a_deletion_under_way_keeps_what_it_will_copy(account_id: str, neighbour: str) -> None:
    record(account_id)
    audit(account_id)
    clear_away()
    assert own(account_id) == 1


def test_a_deletion_that_was_killed_keeps_nothing_for_ever(account_id: str, neighbour: str) -> None:
    before = {each["_id"] for each in kept()}
    asked = datetime.now(UTC) - timedelta(days=100)
    record(account_id, timedelta(days=200))
    record(account_id)
    audit(account_id, asked_at=utc_text(asked))
    assert clear_away() == 2
    assert own(account_id) == 0
    until = {each["kept_until"] for each in kept() if each["_id"] not in before}
    days = [paris_today(each) + timedelta(days=1826) for each in (asked, datetime.now(UTC))]
    assert until == {each.isoformat() for each in days}, "the second may be the next household's"


@pytest.mark.parametrize("age", [LONG_AGO, timedelta(hours=1)])
def test_records_outlive_a_database_that_was_lost(
    clean: LocalWorld, account_id: str, neighbour: str, caplog: pytest.LogCaptureFixture, age: timedelta
) -> None:
    """Also in a small installation, and if only one of them is old enough."""
    from grdf.hooks.couchdb import CouchDBHook
    from grdf.stores.removal import Remover

    names = ["lost-1", "lost-2"]
    record(names[0])
    record(names[1], age)
    before = kept()
    assert clear_away() == 0
    assert [own(name) for name in names] == [1, 1]
    assert kept() == before
    assert "2 accounts with records of consent do not exist, among them lost-1, lost-2" in caplog.text
    assert "Restore the accounts from a backup, or start grdf_adopt_rights" in caplog.text
    for name in names:
        Remover(CouchDBHook()).remove_range(CONSENT_RECORD, f"{name}:", f"{name};")


def test_records_of_households_that_have_left_come_back_with_a_backup(
    without_accounts: CouchDBHook, caplog: pytest.LogCaptureFixture
) -> None:
    """The deletions are known. What they say counts, however many accounts are missing."""
    restore_accounts(without_accounts, {"_id": "another-household", "account_type": "grdfgrandlyon"})
    now = datetime.now(UTC)
    left = {"left-1": now - timedelta(days=100), "left-2": now - timedelta(days=100), "long-gone": now - 9 * YEAR}
    for name, moment in left.items():
        record(name, 10 * YEAR)
        audit(name, finished_at=utc_text(moment))
    record("kept-data", 10 * YEAR)
    audit("kept-data", keep_data=True, finished_at=utc_text(now))
    record("left-1")  # of the next household, whose account is missing
    assert clear_away() == 3
    assert [own(name) for name in left] == [1, 0, 0]
    until = (paris_today(left["left-1"]) + timedelta(days=1826)).isoformat()
    assert [each["kept_until"] for each in kept()] == [until] * 2
    assert own("kept-data") == 1
    assert "among them kept-data, left-1. CouchDB may have lost accounts" in caplog.text
    assert clear_away() == 0


@pytest.mark.parametrize("restored", [None, [], [{"_id": "of-a-bank", "account_type": "bank"}]])
def test_the_only_record_outlives_a_night_without_accounts(
    without_accounts: CouchDBHook,
    account_id: str,
    caplog: pytest.LogCaptureFixture,
    restored: list[dict[str, Any]] | None,
) -> None:
    """Their database is being restored: it is missing, or there and still without them."""
    if restored is not None:
        restore_accounts(without_accounts, *restored)
    record(account_id)
    assert clear_away() == 0
    assert (own(account_id), kept()) == (1, [])
    (said,) = [each.getMessage() for each in caplog.records if "no account of a household" in each.getMessage()]
    assert "Restore them from a backup" in said
    restore_accounts(without_accounts, {"_id": "another-household", "account_type": "grdfgrandlyon"})
    assert clear_away() == 1
    assert (own(account_id), len(kept())) == (0, 1)
