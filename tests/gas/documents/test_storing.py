"""Loads: what they store, which totals and prices follow, and what repeated, killed or doubled ones do."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.gas.days.windows import ONE_DAY, Window
from include.gas.documents.changes import DAYS_NAMED, Changes, StoreReport
from include.gas.documents.day_checks import JUMP
from include.gas.documents.day_documents import account_range
from include.gas.documents.disallowed_days import find_disallowed_days
from include.gas.documents.doctypes import DAY, MONTH, YEAR
from include.gas.documents.storing import ATTEMPTS, WriteResult
from include.gas.documents.year_counts import StoredYear, stored_years
from include.gas.errors import StoreBusy
from include.gas.meter_tag import meter_tag
from tests.gas.memory_store import FIRST, PCE, Killed, MemoryStore, Mortal, day, interleave, put


def filled(*loads: dict[int, Any]) -> MemoryStore:
    store = MemoryStore()
    for minutes, each in enumerate(loads):
        put(store, each, minutes)
    return store


def test_days_months_and_years_are_stored() -> None:
    store = MemoryStore()
    report = put(store, {0: 60, 1: 55, 3: 69})
    assert store.get(YEAR, "2023") | {"_rev": "", "basis": ""} == {
        "_id": f"a:{PCE}:2023", "_rev": "", "account": "a", "pce": PCE, "load": 115, "year": 2023, "month": 1, "day": 1,
        "hour": 0, "minute": 0, "days": 2, "volume": None, "volume_days": 0, "measured_days": 2, "estimated_days": 0,
        "corrected_days": 0, "basis": "",
    }  # fmt: skip
    assert (store.get(MONTH, "2024-01")["load"], report.new, report.months, report.years) == (69, 3, 2, 2)
    assert (report.has_written, put(store, {0: 60}, 1).has_written) == (True, False)
    store.check_totals()
    put(store, {0: 500}, 2, car=1000)
    assert store.get(DAY, "2023-12-29")["doubts"] == [JUMP]


@pytest.mark.parametrize("days", [0, 1, 40, 1096])
def test_a_first_import_takes_six_calls_however_long_and_again_three(days: int) -> None:
    store, loads = MemoryStore(), {n: n % 50 for n in range(days)}
    assert (put(store, loads).new, len(store.calls)) == (days, 6 if days else 0)
    before, store.calls = store.revs(), []
    assert (put(store, loads, 9).unchanged, store.revs()) == (days, before)
    assert store.calls == (["fetch", "fetch", "range"] if days else [])


def test_what_becomes_of_each_day_is_counted_and_a_later_reading_stays() -> None:
    store = MemoryStore()
    put(store, {2: 5, 3: 5})
    put(store, {0: 60}, 5)
    report = put(store, {0: 50, 1: 7, 2: 5, 3: 5}, 1)
    assert report.counts() == {
        "new": 1, "corrected": 0, "confirmed": 0, "unchanged": 2, "stale": 1, "removed": 0, "months": 1, "years": 1,
    }  # fmt: skip
    assert store.loads() == {"2023-12-29": 60, "2023-12-30": 7, "2023-12-31": 5, "2024-01-01": 5}
    later = put(store, {0: {"load": 60, "status": "definitive"}, 1: 8}, 9)
    assert (later.confirmed, later.corrected, store.get(DAY, "2023-12-29")["status"]) == (1, 1, "definitive")
    store.check_totals()


def test_a_total_that_never_was_a_sum_of_days_stays_until_a_day_comes() -> None:
    store = MemoryStore(month=[{"_id": f"a:{PCE}:2023-03", "account": "a", "pce": PCE, "load": 310.25, "days": 0}])
    put(store, {0: 60, 5: 7}, window=Window(date(2023, 1, 1), date(2025, 1, 1)))
    assert store.get(MONTH, "2023-03")["load"] == 310.25
    put(store, {-290: 12}, 1)
    assert (store.get(MONTH, "2023-03")["load"], store.get(MONTH, "2023-03")["days"]) == (12, 1)


def test_a_store_that_always_conflicts_is_busy() -> None:
    class Busy(MemoryStore):
        end, times = "2023-12-29", ATTEMPTS

        def write(self, doctype: str, docs: Any) -> WriteResult:
            busy = {doc["_id"] for doc in docs if self.times and doc["_id"].endswith(self.end)}
            self.times -= len(busy)
            result = super().write(doctype, [doc for doc in docs if doc["_id"] not in busy])
            result.conflicts.update(busy)
            return result

    store = Busy()
    with pytest.raises(StoreBusy, match=rf"^Account a: .* meter {meter_tag('a', PCE)} .* tried again automatically"):
        put(store, {0: 1})
    assert len(store.calls) == 4 * ATTEMPTS
    store = Busy()
    store.end, store.times = "2024-01", 1
    report = put(store, {0: 1, 3: 1})
    assert (report.months, report.years) == (2, 2), "those of both attempts"
    store.check_totals()


@pytest.mark.parametrize("how", ["before", "halfway", "after"])
@pytest.mark.parametrize("call", range(6))
def test_killed_anywhere_and_repeated(call: int, how: str) -> None:
    store, fresh = filled({0: 60, 1: 55, 5: 1}), {0: 61, 1: 55, 3: 9, 5: 2, 6: 4}
    with pytest.raises(Killed):
        put(Mortal(store, call, how), fresh, 1)
    put(store, fresh, 1)
    assert sorted(store.loads().values()) == sorted(fresh.values())
    store.check_totals()


LOADS = st.dictionaries(st.integers(0, 6), st.integers(0, 3), min_size=1)


@settings(max_examples=150)
@given(st.dictionaries(st.integers(0, 6), st.integers(0, 3)), LOADS, LOADS, st.lists(st.integers(0, 1), max_size=24))
def test_two_at_once(before: dict[int, int], old: dict[int, int], new: dict[int, int], order: list[int]) -> None:
    store = filled(before)
    interleave(store, [lambda s: put(s, old, 1), lambda s: put(s, new, 2)], order)
    store.check_totals()
    # A reading that repeats what is stored leaves no trace, so an older one may replace it.
    for n in before | old | new:
        stored = store.loads()[str(day(n))]
        newest = next(loads[n] for loads in (new, old, before) if n in loads)
        assert stored == newest or (n in old and stored == old[n] and new.get(n) == before.get(n))


def report(days: list[date]) -> StoreReport:
    months, years = {(day.year, day.month) for day in days}, {day.year for day in days}
    return StoreReport(new=len(days), months=len(months), years=len(years), changed_days=tuple(sorted(days)))


@given(st.lists(st.lists(st.integers(0, 900).map(day), max_size=150, unique=True), max_size=3))
def test_changes_add_up_and_survive_json(loads: list[list[date]]) -> None:
    changes = Changes.sum_of(map(report, loads))
    days = sorted({day for load in loads for day in load})
    assert bool(changes) == bool(days)
    assert changes.days == days[-DAYS_NAMED:]
    assert (changes.first, changes.last) == ((days[0], days[-1]) if days else (None, None))
    assert changes.counts.get(DAY, 0) == sum(map(len, loads))
    assert Changes.from_json(json.loads(json.dumps(changes.as_json()))) == changes
    assert set(changes.counts) == ({DAY, MONTH, YEAR} if days else set())


def test_a_load_that_died_before_it_was_heard_of_tells_its_days_when_it_is_repeated() -> None:
    store, loads = MemoryStore(), {63: 1, 64: 2, 65: 3}
    days = put(store, loads).changed_days
    assert days == tuple(map(day, loads))
    again = put(store, loads)
    assert (again.unchanged, again.changed_days) == (3, days), "nothing is written twice"
    assert Changes.sum_of([again]).counts == {DAY: 3, MONTH: 1, YEAR: 1}
    assert put(store, loads, 60).changed_days == (), "a later answer, the same, changes nothing"
    store = filled({0: 5}, {0: 6}, {0: 7})
    for minutes in (2, 9):  # a corrected day is counted once
        assert put(store, {0: 7}, minutes).held == {2023: StoredYear(FIRST, FIRST, provisional=1, corrected=1)}


@given(st.dictionaries(st.integers(0, 900), st.sampled_from(["provisional", "definitive"]), min_size=1))
def test_a_load_tells_of_each_year_that_it_looked_at_what_is_stored(days: dict[int, str]) -> None:
    store = MemoryStore()
    report = put(store, {n: {"load": 7, "status": status} for n, status in days.items()})
    assert report.held == stored_years(store.range(DAY, *account_range("a")))
    for year, held in report.held.items():
        mine = {day(n): status for n, status in days.items() if day(n).year == year}
        provisional = sum(status == "provisional" for status in mine.values())
        assert held == StoredYear(min(mine), max(mine), held.absent, provisional)
        assert held.days == len(mine)
        every = Window(date(year, 1, 1), date(year + 1, 1, 1)).days()
        assert [day for day in every if held.within(Window(day, day + ONE_DAY))] == sorted(mine)


DAYS = 24


def window(first: int, end: int) -> Window:
    return Window(day(first), day(end))


def load(store: Any, loads: dict[int, int], *allowed: Window, minutes: int = 9, **more: Any) -> StoreReport:
    return put(store, loads, minutes, window=window(0, DAYS), allowed=allowed, **more)


def held(store: MemoryStore) -> set[int]:
    return {(date.fromisoformat(key) - FIRST).days for key in store.periods(DAY)}


def full(days: Any = range(DAYS)) -> MemoryStore:
    return filled(dict.fromkeys(days, 5))


@pytest.mark.parametrize(
    ("before", "loads", "allowed", "after"),
    [
        ([], (0, 4, 5, 9, 10), [window(0, 5), window(9, 10)], {0, 4, 9}),  # another household's are not stored
        (range(DAYS), (), [window(0, 11)], {*range(11)}),  # nor kept, if they were read before the end was known
        (range(DAYS), (), [window(6, 8), window(20, DAYS)], {*range(8), *range(20, DAYS)}),  # what is older stays
        ((0, 1), (5,), [], {0, 1}),  # no right was ever in force
    ],
)
def test_the_days_that_an_account_may_hold(before: Any, loads: Any, allowed: list[Window], after: set[int]) -> None:
    store = full(before)
    report = load(store, dict.fromkeys(loads, 7), *allowed)
    assert held(store) == after
    changed = {day(n) for n in {*before} ^ after}
    assert {*report.changed_days} == changed
    assert (report.new, report.counts()["removed"]) == (len(after - {*before}), len({*before} - after))
    store.check_totals()
    revs = store.revs()
    load(store, {}, *allowed, minutes=10)
    assert store.revs() == revs, "again"


def test_a_price_goes_with_removed_days_and_a_note_stays() -> None:
    store = full()
    for stored in store.docs[YEAR].values():
        stored["price"] = 12.5
    note = {"_id": f"a:{PCE}:2024-01-15:note", "_rev": "1-x", "text": "seen"}
    store.docs[DAY][note["_id"]] = note
    load(store, {}, window(0, 11))
    total = store.get(YEAR, "2024")
    assert (total["load"], total.get("price")) == (40, None), "a price would tell what the removed days were"
    assert store.docs[DAY].pop(note["_id"]) == note
    assert held(store) == set(range(11))
    late = full()
    load(late, {3: 7}, window(0, 5), tidies=False)
    assert held(late) == set(range(DAYS)), "a right may have come meanwhile: the ledger was not just asked"


@given(
    st.sets(st.integers(0, DAYS - 1), min_size=1),
    st.lists(st.tuples(st.integers(0, DAYS - 2), st.integers(1, 9)), max_size=3),
)
def test_what_is_foreign_is_what_a_load_removes(days: set[int], spans: list[tuple[int, int]]) -> None:
    store, allowed, end = full(days), [], 0
    for first, length in sorted(spans):
        if first > end or not allowed:
            allowed.append(window(first, first + length))
            end = first + length
    found = find_disallowed_days(store, "a", PCE, allowed, date(2100, 1, 1))
    assert tuple(found) == load(store, {}, *allowed).changed_days
    assert find_disallowed_days(store, "a", PCE, allowed, date(2100, 1, 1)) == []
    others = [each for each in map(day, held(store)) if not any(each in own for own in allowed)]
    assert not allowed or all(each < allowed[0].first for each in others)
