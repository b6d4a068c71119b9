"""The record of a consent: what it holds, which one proves a right, and the copy that stays after a deletion."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from include.gas.account.declaration import Declaration
from include.gas.answers.access_rights import AccessRight
from include.gas.days.gas_day import utc_text
from include.gas.proof.consent_record import (
    HOUSEHOLD,
    ConsentRecord,
    ConsentText,
    is_needed,
    new_record,
    overdue,
    read_record,
    record_for,
    to_document,
    to_keep,
)
from include.gas.rights.meter_rights import Meter, Right, State, Way

AT = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
PCE = "09999999900001"
DECLARATION = Declaration(
    pce=PCE, name="Martin", postcode="69001", email="m@invented.example", perimeters=["informatives"],
    calls_until=date(2029, 1, 1),
)  # fmt: skip
TEXT = ConsentText("1", "fr", "J'accepte.")
OTHER = msgspec.structs.replace(
    new_record("a", DECLARATION, AT, by=HOUSEHOLD).entered, name="Petit", email="p@invented.example"
)


def right(**changes: Any) -> AccessRight:
    known = AccessRight("right", PCE, "", "active", holder=("martin", "m@invented.example", "69001"))
    return replace(known, **changes)


def record(at: datetime = AT, **changes: Any) -> ConsentRecord:
    return msgspec.structs.replace(new_record("a", DECLARATION, at, by=HOUSEHOLD, agreed=TEXT), **changes)


def test_a_record_holds_all_that_was_entered_and_is_read_as_it_was_stored() -> None:
    made = record()
    stored = to_document(made)
    assert stored["entered"]["name"] == "Martin"
    assert stored["agreed"]["text"] == TEXT.text
    assert stored["given"] == utc_text(AT)
    assert stored["entered"]["calls_until"] == "2029-01-01"
    assert read_record(stored | {"_rev": "1-a"}) == msgspec.structs.replace(made, rev="1-a")
    assert record().id != made.id  # two of one moment
    assert "Martin" not in repr(made) + repr(made.entered)


def test_the_newest_record_before_a_right_proves_it() -> None:
    hours = [AT + timedelta(hours=each) for each in range(3)]
    of_another_meter = record(hours[1], entered=msgspec.structs.replace(DECLARATION, pce="GI999001"))
    records = [record(hours[0]), record(hours[2]), record(hours[1]), of_another_meter]
    assert record_for(records, right()) == records[1]
    assert record_for(records, right(), utc_text(hours[1])) == records[2]
    assert record_for(records, right(), utc_text(AT - timedelta(hours=1))) == records[0], "a clock was ahead"
    assert record_for(records, right(pce="GI999009")) is None


def test_nobody_else_s_record_proves_a_right() -> None:
    records = [
        record(),
        record(AT + timedelta(hours=1), entered=OTHER),
    ]
    assert record_for(records, right()) == records[0]
    assert record_for(records, right(holder=("martin", "", ""))) == records[0]
    assert record_for(records, right(holder=("martin", "p@invented.example", ""))) == records[1]
    assert record_for(records, right(holder=("martin", "third@invented.example", ""))) is None
    assert record_for(records, right(holder=("", "", ""))) is None, "GRDF does not say whose it is"
    assert record_for(records, right(made_on_site=True)) is None


def test_the_copy_that_stays_names_no_account_and_goes_after_its_last_day() -> None:
    stored = to_document(record()) | {"_rev": "1-a", "others": 1}
    copy = to_keep(stored, date(2026, 11, 27), 10)
    assert copy == to_keep(stored, date(2026, 11, 27), 10)  # a repeated deletion makes no second one
    assert "account" not in copy
    assert "_rev" not in copy
    assert copy["_id"].startswith("~2026-12-07:")
    assert copy["entered"] == stored["entered"]
    assert copy["others"] == 1
    for today, over in ((date(2026, 12, 6), False), (date(2026, 12, 7), False), (date(2026, 12, 8), True)):
        first, last = overdue(today)
        assert (first <= copy["_id"] <= last) is over, today
    assert not overdue(date(2099, 1, 1))[0] <= stored["_id"]


@pytest.mark.parametrize(
    ("whose", "way", "state", "needed"),
    [("a", "declared", "waiting", True), ("a", "declared", "ended", True), ("a", "declared", "refused", False),
     ("b", "declared", "active", False), ("b", "adopted", "active", True), ("", "declared", "active", True)],
)  # fmt: skip
def test_a_record_is_needed_while_it_may_prove_a_right(whose: str, way: Way, state: State, needed: bool) -> None:
    right = Right(client="grdf_adict", id="r", account=whose, way=way, state=state, since=utc_text(AT))
    meter = Meter(pce=PCE, rights=(right,))
    assert is_needed(record(), meter, AT + timedelta(days=400)) is needed
    assert is_needed(record(), Meter(pce=PCE), AT + timedelta(days=59)), "somebody may still correct it"
