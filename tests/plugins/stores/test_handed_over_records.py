"""The record of a consent comes along when its right gets another account."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from grdf.stores.records.consent_records import ConsentRecords
from grdf.stores.removal import Remover
from include.gas.account.sections.rights.declaration import Declaration
from include.gas.answers.access_rights import AccessRight
from include.gas.days.gas_day import utc_text
from include.gas.documents.doctypes import CONSENT_RECORD
from include.gas.documents.stored_consent import ConsentRecord
from include.gas.proof.consent_record import HOUSEHOLD, new_record

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld

AT = datetime.now(UTC) - timedelta(days=40)
PCE, EMAIL = "09999999900031", "m@invented.example"
RIGHT = AccessRight("right", PCE, "", "active", created_at=utc_text(AT), holder=("martin", EMAIL, "69001"))


@pytest.fixture(autouse=True)
def nothing_stays(clean: LocalWorld, couchdb: CouchDBHook, account_id: str) -> Iterator[None]:
    yield
    clean.book.remove(account_id)
    for document in couchdb.scan(CONSENT_RECORD):
        if document["pce"] == PCE:
            Remover(couchdb).remove(CONSENT_RECORD, document["_id"])


@pytest.fixture
def recorded(couchdb: CouchDBHook, account_id: str) -> ConsentRecord:
    given = Declaration(pce=PCE, name="Martin", postcode="69001", email=EMAIL, perimeters=["informatives"])
    made = new_record(account_id, given, AT - timedelta(minutes=5), by=HOUSEHOLD)
    ConsentRecords(couchdb).add(made)
    return made


@pytest.mark.parametrize("how", ["its account is gone", "it was kept"])
def test_it_comes_along_once(couchdb: CouchDBHook, recorded: ConsentRecord, how: str) -> None:
    if how == "it was kept":
        ConsentRecords(couchdb).keep(recorded.account, datetime.now(UTC).date(), 10)
        ConsentRecords(couchdb).remove(recorded)
    records = ConsentRecords(couchdb)
    for _ in range(2):
        given = records.hand_over(RIGHT, "right-account")
        assert given
        assert ConsentRecords(couchdb).of("right-account")[0].entered == recorded.entered
    assert [each["_id"] for each in couchdb.scan(CONSENT_RECORD) if each["pce"] == PCE] == [given.id]
    assert ConsentRecords(couchdb).hand_over(RIGHT, "right-account"), "another try, which has read it anew"
    assert len(ConsentRecords(couchdb).of("right-account")) == 1


def test_the_record_of_an_account_that_is_there_stays(
    clean: LocalWorld, couchdb: CouchDBHook, recorded: ConsentRecord
) -> None:
    clean.book.save({"_id": recorded.account, "account_type": "grdfgrandlyon"})
    assert ConsentRecords(couchdb).hand_over(RIGHT, "right-account") is None
    assert len(ConsentRecords(couchdb).of(recorded.account)) == 1
