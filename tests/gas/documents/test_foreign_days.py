"""A load that was told which days an account may hold removes all others."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.gas.answers.consumption.daily import Reading
from include.gas.days.windows import Window
from include.gas.documents.changes import LoadReport
from include.gas.documents.doctypes import DAY, MONTH, YEAR
from include.gas.documents.foreign_days import foreign_days
from include.gas.documents.storing import load_answer
from tests.gas.memory_store import MemoryStore, interleave

PCE = "09900000000017"
NOW = datetime(2024, 3, 1, 9, tzinfo=UTC)
FIRST = date(2023, 12, 20)
DAYS = 24  # across the end of a year


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def window(first: int, end: int) -> Window:
    return Window(day(first), day(end))


def load(store: MemoryStore, loads: dict[int, int], *allowed: Window, minutes: int = 0) -> LoadReport:
    readings = [Reading(day(number), load) for number, load in loads.items()]
    at = NOW + timedelta(minutes=minutes)
    return load_answer(store, "a", PCE, readings, at, window=window(0, DAYS), allowed=allowed)


def held(store: MemoryStore) -> set[int]:
    return {(date.fromisoformat(key[-10:]) - FIRST).days for key in store.docs[DAY]}


def full(*days: int) -> MemoryStore:
    store = MemoryStore()
    load(store, dict.fromkeys(days or range(DAYS), 5), window(0, DAYS))
    return store


def test_days_that_were_read_before_the_end_was_known_are_removed_with_no_new_reading() -> None:
    store = full()
    for stored in store.docs[YEAR].values():
        stored["price"] = 12.5
    report = load(store, {}, window(0, 11), minutes=1)
    assert held(store) == set(range(11))
    assert report.changed_days == tuple(map(day, range(11, DAYS)))
    (total,) = store.docs[YEAR].values()
    assert (total["load"], total.get("price")) == (55, None), "a price would tell what the removed days were"
    before = store.revs()
    load(store, {}, window(0, 11), minutes=2)
    assert store.revs() == before, "again"


def test_days_between_two_rights_are_removed_and_what_is_older_than_both_stays() -> None:
    store = full()
    load(store, {}, window(6, 8), window(20, DAYS))
    assert held(store) == {*range(8), *range(20, DAYS)}
    store.check_totals()


def test_without_a_right_that_was_ever_in_force_nothing_is_removed() -> None:
    store = full(0, 1)
    load(store, {})
    assert held(store) == {0, 1}


def test_notes_of_other_programs_stay() -> None:
    store = full(0, 9)
    note = {"_id": f"a:{PCE}:2023-12-29:note", "_rev": "1-x", "text": "seen"}
    store.docs[DAY][note["_id"]] = note
    load(store, {}, window(0, 5))
    assert [*store.docs[DAY]] == [f"a:{PCE}:2023-12-20", note["_id"]]


@given(
    st.sets(st.integers(0, DAYS - 1), min_size=1),
    st.lists(st.tuples(st.integers(0, DAYS - 2), st.integers(1, 9)), max_size=3),
)
def test_what_is_foreign_is_what_a_load_removes(days: set[int], spans: list[tuple[int, int]]) -> None:
    store, allowed, end = full(*days), [], 0
    for first, length in sorted(spans):
        if first > end or not allowed:
            allowed.append(window(first, first + length))
            end = first + length
    found = foreign_days(store, "a", PCE, allowed, date(2100, 1, 1))
    assert tuple(found) == load(store, {}, *allowed, minutes=1).changed_days
    assert foreign_days(store, "a", PCE, allowed, date(2100, 1, 1)) == []
    others = [each for each in map(day, held(store)) if not any(each in own for own in allowed)]
    assert not allowed or all(each < allowed[0].first for each in others)


@pytest.mark.parametrize("order", [[0, 1] * 6, [1, 0] * 6, [0, 0, 0, 1, 1, 1], [1, 1, 1, 1, 0, 0]])
def test_a_late_load_under_the_old_right_and_one_under_the_new(order: list[int]) -> None:
    """A later run of the new right puts right what the old one stored."""
    store = full(*range(12))
    jobs = [
        lambda place: load(place, {15: 7}, minutes=5),
        lambda place: load(place, {}, window(0, 12), minutes=5),
    ]
    interleave(store, jobs, order)
    store.check_totals()
    load(store, {}, window(0, 12), minutes=6)
    assert held(store) == set(range(12))
    store.check_totals()
    assert all(each["load"] for each in store.docs[MONTH].values())
