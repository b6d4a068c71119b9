"""A record of consent whose account was never made, or is gone, does not stay for ever."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from include.gas.account.sections.rights.declaration import Declaration
from include.gas.documents.doctypes import AUDIT, CONSENT_RECORD
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
    assert "2 account(s) with records of consent do not exist, among them lost-1, lost-2" in caplog.text
    assert "Restore the accounts from a backup, or start grdf_adopt_rights" in caplog.text
    for name in names:
        Remover(CouchDBHook()).remove_range(CONSENT_RECORD, f"{name}:", f"{name};")


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
    (said,) = [each.getMessage() for each in caplog.records if "do not exist" in each.getMessage()]
    assert "Restore the accounts from a backup" in said
    restore_accounts(without_accounts, {"_id": "another-household", "account_type": "grdfgrandlyon"})
    assert clear_away() == 1
    assert (own(account_id), len(kept())) == (0, 1)
