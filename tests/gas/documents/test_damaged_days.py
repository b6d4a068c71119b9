"""A stored day whose load is no number counts as not stored: it spoils no total, and is written again when read."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from include.gas.answers.consumption.daily import Reading
from include.gas.days.windows import Window
from include.gas.documents.doctypes import DAY, MONTH
from include.gas.documents.gas_days import open_days
from include.gas.documents.load_report import LoadReport
from include.gas.documents.storing import load_answer
from tests.gas.memory_store import MemoryStore

PCE = "09900000000017"
FIRST = date(2024, 3, 1)
WINDOW = Window(FIRST, FIRST + timedelta(days=3))
T0 = datetime(2024, 4, 2, 9, 0, tzinfo=UTC)
DAMAGED = [float("inf"), float("nan"), 10**400, 1e300, None, "12", True, [1]]


def put(store: MemoryStore, loads: dict[int, Any], minutes: int = 0) -> LoadReport:
    readings = [Reading(FIRST + timedelta(days=n), load) for n, load in loads.items()]
    return load_answer(store, "a", PCE, readings, T0 + timedelta(minutes=minutes), window=WINDOW)


def with_a_damaged_day(load: Any, **more: Any) -> MemoryStore:
    store = MemoryStore()
    put(store, {0: 60, 1: 55, 2: 7})
    store.docs[DAY][f"a:{PCE}:2024-03-02"] |= {"load": load} | more
    return store


@pytest.mark.parametrize("load", DAMAGED, ids=lambda load: repr(load)[:9])
def test_the_other_days_are_stored_and_summed(load: Any) -> None:
    store = with_a_damaged_day(load)
    report = put(store, {2: 8}, 1)
    month = store.docs[MONTH][f"a:{PCE}:2024-03"]
    assert (month["load"], month["days"], report.corrected) == (68, 2, 1)
    assert date(2024, 3, 2) not in report.stored_days


@pytest.mark.parametrize("load", DAMAGED, ids=lambda load: repr(load)[:9])
def test_the_day_is_written_again(load: Any) -> None:
    store = with_a_damaged_day(load, read_at="2024-04-02T09:00:30.000000Z")  # newer than the reading
    report = put(store, {0: 60, 1: 55, 2: 7})
    store.check_totals()
    assert report.corrected == 1
    day = store.docs[DAY][f"a:{PCE}:2024-03-02"]
    assert (day["load"], day["changes"][-1]["before"]) == (55, None)
    json.dumps(day, allow_nan=False)


def test_a_definitive_day_without_a_number_is_asked_for() -> None:
    store = with_a_damaged_day("12", status="definitive")
    days = [day | {"status": "definitive"} for day in store.docs[DAY].values()]
    assert open_days(WINDOW, days) == Window(date(2024, 3, 2), date(2024, 3, 3))
