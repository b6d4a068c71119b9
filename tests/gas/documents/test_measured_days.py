"""What GRDF measured is on the day and no correction; what others put beside it stays, damage is read again."""

from __future__ import annotations

import copy
import json
from datetime import date, timedelta
from typing import Any

import pytest

from include.gas.answers.consumption.published import Period
from include.gas.days.windows import Window
from include.gas.documents.billing.periods import merge_period, period_document, readable_periods
from include.gas.documents.changes import StoreReport
from include.gas.documents.day_checks import INDEX
from include.gas.documents.day_documents import unsettled_part
from include.gas.documents.doctypes import DAY, MONTH
from tests.gas.memory_store import PCE, T0, MemoryStore, put

FIRST, SECOND = date(2024, 1, 1), "2024-01-02"
JANUARY, ALL = Window(FIRST, date(2024, 2, 1)), Window(FIRST, date(2025, 1, 1))


def read(store: MemoryStore, loads: Any, minutes: int = 0) -> StoreReport:
    return put(store, loads, minutes, first=FIRST, window=ALL)


def whole(day: int, load: Any = None, quality: str = "measured", **more: Any) -> dict[str, Any]:
    said = {"volume": 5.1 + day, "coefficient": 11.2, "index_end": 4000 + day, "grdf_quality": "Mesuré"}
    return {"load": 50 + day if load is None else load, "quality": quality, "measures": said | more}


def day_of(store: MemoryStore, day: int = 0) -> dict[str, Any]:
    return store.get(DAY, f"{FIRST + timedelta(days=day)}")


def test_days_that_were_stored_without_are_completed_once_and_nothing_is_taken_away() -> None:
    store = MemoryStore()
    read(store, {day: 50 + day for day in range(3)})
    assert (store.get(MONTH, "2024-01")["volume"], store.get(MONTH, "2024-01")["volume_days"]) == (None, 0)
    report = read(store, {day: whole(day) for day in range(3)}, 1)
    assert (report.confirmed, report.corrected, report.new) == (3, 0, 0)
    assert report.changed_days == tuple(FIRST + timedelta(days=day) for day in range(3))
    day = day_of(store, 1)
    assert (day["volume"], day["coefficient"], day["index_end"], day["grdf_quality"]) == (6.1, 11.2, 4001, "Mesuré")
    assert not {"changes", "index_start"} & day.keys()
    store.check_totals()
    before = store.revs()
    read(store, {day: whole(day) for day in range(3)}, 2)
    read(store, {0: {"load": 50, "measures": {"index_end": 4000}}, 1: 51}, 3)
    assert store.revs() == before, "an answer with less in it"
    report = read(store, {0: {"load": 70, "measures": {"index_end": 4005}}}, 4)
    day = day_of(store)
    assert (report.corrected, day["index_end"], day["changes"][-1]["before"]) == (1, 4005, 50)
    assert not {"volume", "coefficient", "grdf_quality"} & day.keys(), "a different one is all that stays"


def test_doubts_are_marked_and_go_with_their_reason() -> None:
    store = MemoryStore()
    days = {day: {"load": 50 + day, "measures": {"volume": 5, "index_end": 4000 + 5 * day}} for day in range(4)}
    read(store, {0: days[0], 1: {"load": 51, "measures": {"volume": 5, "index_end": 4900}}})
    again = read(store, {2: days[2], 3: days[3]}, 1)
    assert [day_of(store, day).get("doubts") for day in range(4)] == [None, [INDEX], [INDEX], None]
    assert again.held[2024].doubts == {INDEX: 2}
    assert again.changed_days == (date(2024, 1, 3), date(2024, 1, 4))
    store.check_totals()
    before = store.revs()
    read(store, {2: days[2], 3: days[3]}, 2)
    assert store.revs() == before
    right = read(store, days, 3)
    assert (right.confirmed, right.unchanged, right.corrected) == (1, 3, 0)
    assert right.changed_days == (date(2024, 1, 2),), "a doubt that goes is no news of GRDF's"
    assert [day_of(store, day).get("doubts") for day in range(4)] == [None] * 4
    assert right.held[2024].doubts == {}
    store.check_totals()


def test_days_without_gas_are_doubted_once_they_are_many() -> None:
    store, loads = MemoryStore(), {day: 50 if day < 40 else 0 for day in range(60)}
    read(store, {day: loads[day] for day in range(40)})
    zeros = [read(store, {day: 0}, day).held[2024].doubts.get("zeros", 0) for day in range(40, 60)]
    assert zeros == [0] * 13 + [*range(14, 21)]
    assert day_of(store, 59)["doubts"] == ["zeros"]


NO_DAYS: list[dict[str, Any]] = [
    {"year": "x"}, {"year": None}, {"month": 13}, {"day": [2]}, {"year": 99999}, {"day": 3}, {"year": float("inf")},
]  # fmt: skip
NO_LOADS: list[dict[str, Any]] = [
    {"load": load} for load in (float("inf"), float("nan"), 10**400, 1e300, None, "12", True)
]


@pytest.fixture
def store() -> MemoryStore:
    filled = MemoryStore()
    january(filled)
    return filled


def january(store: MemoryStore, load: int = 60, minutes: float = 0, days: int = 31) -> StoreReport:
    return put(store, dict.fromkeys(range(days), load), minutes, first=FIRST, window=JANUARY)


@pytest.mark.parametrize(
    "note",
    [
        {"text": "seen by another program"}, {"load": 5}, {"load": 5000, "year": 2024, "month": 1, "day": 2},
        {"load": 5000, "year": 2031, "month": 7, "day": 1},
        {"load": 5000, "year": 2024, "month": 1, "day": 2, "read_at": "2024-04-02T09:00:00.000000Z"},
    ],
    ids=str,
)  # fmt: skip
def test_a_note_is_in_no_total_and_stays_as_it_is(store: MemoryStore, note: dict[str, Any]) -> None:
    key = f"a:{PCE}:{SECOND}-note"
    store.docs[DAY][key] = {"_id": key, "_rev": "1-a", "account": "a", "pce": PCE} | note
    before = copy.deepcopy(store.docs[DAY][key])
    report = january(store, 61, 1)
    assert (report.corrected, report.held[2024].days, january(store, 62, 2).corrected) == (31, 31, 31)
    assert store.docs[DAY].pop(key) == before
    store.check_totals()


@pytest.mark.parametrize("fields", [*NO_DAYS, *NO_LOADS], ids=lambda fields: str(fields)[:20])
def test_a_day_without_a_date_or_a_load_counts_as_not_stored(store: MemoryStore, fields: dict[str, Any]) -> None:
    store.get(DAY, SECOND).update(fields)
    january(store, days=1)
    assert (store.get(MONTH, "2024-01")["load"], store.get(MONTH, "2024-01")["days"]) == (30 * 60, 30)
    definitive = [day | {"status": "definitive"} for day in store.docs[DAY].values()]
    assert unsettled_part(JANUARY, definitive) == Window(date(2024, 1, 2), date(2024, 1, 3)), "it is asked for again"
    store.get(DAY, SECOND)["read_at"] = "2024-04-02T09:00:30.000000Z"  # newer than the reading
    january(store)
    store.check_totals()
    json.dumps(store.get(DAY, SECOND), allow_nan=False)
    assert (store.get(MONTH, "2024-01")["days"], january(store, minutes=1).unchanged) == (31, 31)
    if fields in NO_DAYS:
        store.get(DAY, SECOND).update(fields)
        before = [Window(date(2023, 12, 1), FIRST)]
        assert len(put(store, {}, first=FIRST, window=JANUARY, allowed=before).changed_days) == 31
        assert not any(store.docs.values()), "it goes all the same if the account may not hold it"


def test_a_day_read_at_no_moment_is_the_oldest(store: MemoryStore) -> None:
    for minutes, at in enumerate((5, "soon", [1], "2024-04-02T09:00:00", {"at": "2024-04-02T09:00:00Z"}, True)):
        store.get(DAY, SECOND)["read_at"] = at
        assert january(store, 60 + minutes, minutes + 1).corrected == (31 if minutes else 0)
        store.check_totals()


def test_a_period_without_days_is_written_again() -> None:
    said = Period(FIRST, date(2024, 2, 1), 1860)
    new, later = (period_document("a", PCE, said, T0 + timedelta(days=n)) for n in (0, 1))
    for field, value in (("first", None), ("first", "2025-01-01"), ("end", 7), ("load", "x")):
        merged = merge_period(new | {"_rev": "1-a", field: value, "other": 1}, later)
        assert merged is not None
        assert merged.items() >= {**later, "_rev": "1-a", "other": 1}.items()
        assert len(list(readable_periods([merged]))) == 1
