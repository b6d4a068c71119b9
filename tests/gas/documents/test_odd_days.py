"""What other programs have put between a meter's days is theirs, and a day that they have damaged is read again."""

from __future__ import annotations

import copy
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from include.gas.answers.consumption.daily import Reading
from include.gas.answers.consumption.published import Period
from include.gas.days.windows import Window
from include.gas.documents.billing.periods import merge_period, period_document, readable_periods
from include.gas.documents.changes import LoadReport
from include.gas.documents.doctypes import DAY, MONTH
from include.gas.documents.gas_days import open_days
from include.gas.documents.storing import load_answer
from tests.gas.memory_store import MemoryStore

PCE = "09900000000017"
FIRST = date(2026, 1, 1)
WINDOW = Window(FIRST, date(2026, 2, 1))
T0 = datetime(2026, 2, 3, 9, tzinfo=UTC)
SECOND = f"a:{PCE}:2026-01-02"
NOTES: list[dict[str, Any]] = [
    {"text": "seen by another program"},
    {"load": 5},
    {"load": 5000, "year": 2026, "month": 1, "day": 2},
    {"load": 5000, "year": 2031, "month": 7, "day": 1},
    {"load": 5000, "year": 2026, "month": 1, "day": 2, "read_at": "2026-02-03T09:00:00.000000Z"},
]
NO_DAYS: list[dict[str, Any]] = [
    {"year": "x"}, {"year": None}, {"month": 13}, {"day": [2]}, {"year": 99999}, {"day": 3}, {"year": float("inf")},
]  # fmt: skip
NO_LOADS: list[dict[str, Any]] = [
    {"load": load} for load in (float("inf"), float("nan"), 10**400, 1e300, None, "12", True, [1])
]
NO_MOMENTS = [5, "soon", [1], "2026-02-03T09:00:00", {"at": "2026-02-03T09:00:00Z"}, True]


def put(store: MemoryStore, load: int = 60, days: int = 31, minutes: int = 0) -> LoadReport:
    readings = [Reading(FIRST + timedelta(days=n), load) for n in range(days)]
    at = T0 + timedelta(minutes=minutes)
    return load_answer(store, "a", PCE, readings, at, window=WINDOW)


@pytest.fixture
def store() -> MemoryStore:
    """A store with the days of January."""
    filled = MemoryStore()
    put(filled)
    return filled


@pytest.mark.parametrize("note", NOTES, ids=str)
def test_a_note_is_in_no_total_and_stays_as_it_is(store: MemoryStore, note: dict[str, Any]) -> None:
    key = f"{SECOND}-note"
    store.docs[DAY][key] = {"_id": key, "_rev": "1-a", "account": "a", "pce": PCE} | note
    before = copy.deepcopy(store.docs[DAY][key])
    report = put(store, 61, minutes=1)
    put(store, 62, minutes=2)
    assert store.docs[DAY].pop(key) == before
    store.check_totals()
    assert (report.corrected, report.held[2026].days) == (31, 31)


@pytest.mark.parametrize("fields", [*NO_DAYS, *NO_LOADS], ids=lambda fields: str(fields)[:20])
def test_a_day_that_says_no_day_or_no_load_counts_as_not_stored(store: MemoryStore, fields: dict[str, Any]) -> None:
    store.docs[DAY][SECOND] |= fields
    put(store, days=1)
    month = store.docs[MONTH][f"a:{PCE}:2026-01"]
    assert (month["load"], month["days"]) == (30 * 60, 30)
    definitive = [day | {"status": "definitive"} for day in store.docs[DAY].values()]
    assert open_days(WINDOW, definitive) == Window(date(2026, 1, 2), date(2026, 1, 3)), "it is asked for again"
    store.docs[DAY][SECOND]["read_at"] = "2026-02-03T09:00:30.000000Z"  # newer than the reading
    put(store)
    store.check_totals()
    json.dumps(store.docs[DAY][SECOND], allow_nan=False)
    assert store.docs[MONTH][f"a:{PCE}:2026-01"]["days"] == 31
    assert put(store, minutes=1).unchanged == 31


@pytest.mark.parametrize("fields", NO_DAYS, ids=str)
def test_it_goes_all_the_same_if_the_account_may_not_hold_it(store: MemoryStore, fields: dict[str, Any]) -> None:
    store.docs[DAY][SECOND] |= fields
    before = [Window(date(2025, 12, 1), FIRST)]
    assert len(load_answer(store, "a", PCE, (), T0, window=WINDOW, allowed=before).changed_days) == 31
    assert not any(store.docs.values())


@pytest.mark.parametrize("read_at", NO_MOMENTS, ids=str)
def test_a_day_read_at_no_moment_is_the_oldest(store: MemoryStore, read_at: Any) -> None:
    store.docs[DAY][SECOND]["read_at"] = read_at
    assert put(store, minutes=1).unchanged == 31
    assert put(store, 61, minutes=2).corrected == 31
    store.check_totals()


def test_a_period_that_says_no_days_is_written_again() -> None:
    new = period_document("a", PCE, Period(FIRST, date(2026, 2, 1), 1860), T0)
    later = period_document("a", PCE, Period(FIRST, date(2026, 2, 1), 1860), T0 + timedelta(days=1))
    for field, value in (("first", None), ("first", "2025-01-01"), ("end", 7), ("load", "x")):
        stored = new | {"_rev": "1-a", field: value, "other": 1}
        merged = merge_period(stored, later)
        assert merged is not None
        assert merged.items() >= {**later, "_rev": "1-a", "other": 1}.items()
        assert len(list(readable_periods([merged]))) == 1
