"""A day or period that a later reading only confirms says when its load was read: it stays its household's own."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from include.gas.answers.consumption.daily import Reading
from include.gas.answers.consumption.measures import Measures
from include.gas.answers.consumption.published import Period
from include.gas.documents.billing.periods import is_read_since, merge_period, period_document
from include.gas.documents.doctypes import DAY, MONTH
from include.gas.documents.foreign_days import take_back
from include.gas.documents.gas_days import day_document, load_was_read_since, merge_day
from include.gas.documents.storing import load_answer
from tests.gas.memory_store import MemoryStore

PCE = "09900000000017"
FIRST = date(2026, 1, 1)
OWN, FOREIGN, LATER = (datetime(2026, 2, day, 9, tzinfo=UTC) for day in (3, 10, 20))
SINCE = "2026-02-05T00:00:00.000000Z"


def day(load: float, read_at: datetime, status: str = "provisional", **more: Any) -> dict[str, Any]:
    return day_document("a", Reading(FIRST, load, status), PCE, read_at) | more


def merged(*documents: dict[str, Any]) -> dict[str, Any]:
    stored, *others = documents
    for each in others:
        stored = merge_day(stored, each) or stored
    return stored


def put(store: MemoryStore, loads: dict[int, float], at: datetime, status: str = "provisional", **more: Any) -> None:
    readings = [Reading(FIRST + timedelta(days=n), load, status, **more) for n, load in loads.items()]
    load_answer(store, "a", PCE, readings, at)


def test_the_first_reading_of_a_load_is_kept_while_the_load_stays() -> None:
    confirmed = merged(day(60, OWN), day(60, FOREIGN, "definitive"))
    assert (confirmed["read_at"], confirmed["load_read_at"]) == ("2026-02-10T09:00:00.000000Z", day(60, OWN)["read_at"])
    again = merged(confirmed, day(60, LATER, "definitive", quality="corrected"))
    assert again["load_read_at"] == day(60, OWN)["read_at"]
    assert "load_read_at" not in merged(again, day(61, LATER, "definitive"))
    assert "load_read_at" not in merged(day(60, OWN), day(61, FOREIGN))
    assert "load_read_at" not in merged(day(60, OWN), day(61, FOREIGN), day(60, LATER)), "it came back later"


@pytest.mark.parametrize(
    "odd",
    [
        {"read_at": "soon"}, {"read_at": "2027-01-01T00:00:00Z"}, {"year": 1999},
        {"load_read_at": "soon"}, {"load_read_at": 7},
    ],
)  # fmt: skip
def test_what_others_have_damaged_does_not_tell_it(odd: dict[str, Any]) -> None:
    assert "load_read_at" not in merged(day(60, OWN) | odd, day(60, FOREIGN, "definitive"))


@pytest.mark.parametrize("odd", [{"read_at": None}, {"read_at": ""}, {}])
def test_one_that_says_no_moment_counts_as_the_oldest(odd: dict[str, Any]) -> None:
    """So it is its household's own, before the next one's answer confirms it and afterwards."""
    stored = {key: each for key, each in day(60, OWN).items() if key != "read_at"} | odd
    confirmed = merged(stored, day(60, FOREIGN, "definitive"))
    assert confirmed["load_read_at"] == "1970-01-01T00:00:00.000000Z"
    for each in (stored, confirmed, merged(confirmed, day(60, LATER, quality="corrected"))):
        assert not load_was_read_since(each, SINCE)
    assert load_was_read_since(merged(confirmed, day(61, LATER)), SINCE)


def test_a_reading_that_finds_nothing_new_writes_nothing() -> None:
    confirmed = merged(day(60, OWN), day(60, FOREIGN, "definitive"))
    assert merge_day(confirmed, day(60, LATER, "definitive")) is None


def test_days_that_were_only_confirmed_are_not_taken_back() -> None:
    store = MemoryStore()
    put(store, {0: 60, 1: 61, 2: 62}, OWN)
    put(store, {0: 60, 1: 99, 3: 70}, FOREIGN, "definitive")
    put(store, {2: 62}, FOREIGN, measures=Measures(volume=5.5))
    report = take_back(store, "a", PCE, SINCE)
    assert {key[-10:]: each["load"] for key, each in store.docs[DAY].items()} == {"2026-01-01": 60, "2026-01-03": 62}
    assert report.changed_days == (date(2026, 1, 2), date(2026, 1, 4))
    assert store.docs[MONTH][f"a:{PCE}:2026-01"]["load"] == 122
    before = store.revs()
    assert not take_back(store, "a", PCE, SINCE).changed
    assert store.revs() == before
    store.check_totals()


def test_a_period_says_it_too() -> None:
    def period(load: int, at: datetime, end: date = date(2026, 1, 31), reason: str = "") -> dict[str, Any]:
        return period_document("a", PCE, Period(FIRST, end, load, reason=reason), at)

    own, confirms = period(900, OWN), period(900, FOREIGN, reason="RNO")
    confirmed = merge_period(own, confirms) or {}
    assert (confirmed["read_at"], confirmed["load_read_at"]) == (confirms["read_at"], own["read_at"])
    assert not is_read_since(confirmed, SINCE)
    assert is_read_since(confirms, SINCE)
    assert is_read_since(confirmed | {"load": "x"}, SINCE), "nobody can tell"
    assert not is_read_since(confirms | {"_id": f"{confirms['_id']}-note"}, SINCE), "another program's"
    for other in (period(901, FOREIGN), period(900, FOREIGN, date(2026, 2, 1))):
        assert "load_read_at" not in (merge_period(confirmed, other | {"read_at": confirms["read_at"]}) or {})
        assert is_read_since(merge_period(own, other) or {}, SINCE)
