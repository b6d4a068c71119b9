"""Loads: what they store, how many calls they need, and what happens if they are repeated, killed or doubled."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.gas.answers.consumption.daily import Reading
from include.gas.days.windows import Window
from include.gas.documents import storing as load_module
from include.gas.documents.changes import LoadReport
from include.gas.documents.doctypes import DAY, MONTH, YEAR
from include.gas.documents.storing import WriteResult, load_answer
from include.gas.errors import StoreBusy
from include.gas.meter_tag import meter_tag
from tests.gas.memory_store import Killed, MemoryStore, Mortal, interleave

PCE = "09900000000017"
T0 = datetime(2024, 4, 2, 9, 0, tzinfo=UTC)
FIRST = date(2023, 12, 29)  # the readings cross the end of a year and of a month
FIRSTS = (FIRST, date(2024, 1, 28))  # of a load of two years, and of one of a single year and two months


def at(minutes: int) -> datetime:
    return T0 + timedelta(minutes=minutes)


def readings(loads: dict[int, Any], first: date = FIRST, **more: Any) -> list[Reading]:
    return [Reading(first + timedelta(days=n), load, **more) for n, load in loads.items()]


def put(store: Any, loads: dict[int, Any], minutes: int = 0, account: str = "a", **more: Any) -> LoadReport:
    return load_answer(store, account, PCE, readings(loads, **more), at(minutes))


def test_days_months_and_years_are_stored() -> None:
    store = MemoryStore()
    report = put(store, {0: 60, 1: 55, 3: 69})
    assert store.docs[YEAR]["a:" + PCE + ":2023"] | {"_rev": "", "basis": ""} == {
        "_id": f"a:{PCE}:2023", "_rev": "", "account": "a", "pce": PCE, "load": 115, "year": 2023, "month": 1, "day": 1,
        "hour": 0, "minute": 0, "days": 2, "volume": None, "volume_days": 0, "measured_days": 2, "estimated_days": 0,
        "corrected_days": 0, "basis": "",
    }  # fmt: skip
    assert store.docs[MONTH][f"a:{PCE}:2024-01"]["load"] == 69
    assert (report.new, report.months, report.years) == (3, 2, 2)
    store.check_totals()


def test_again_changes_nothing_and_costs_three_calls() -> None:
    store = MemoryStore()
    put(store, {0: 60, 5: 55})
    before, store.calls = store.revs(), []
    report = put(store, {0: 60, 5: 55}, minutes=9)
    assert report.unchanged == 2
    assert store.revs() == before
    assert store.calls == ["fetch", "fetch", "range"]
    store.calls = []
    assert put(store, {5: 55}, minutes=9).unchanged == 1
    assert store.calls == ["fetch", "range"], "of a single year: it says that its months are right"


@pytest.mark.parametrize("days", [1, 40, 1096])
def test_a_first_import_takes_six_calls_however_long(days: int) -> None:
    store = MemoryStore()
    report = put(store, {n: n % 50 for n in range(days)})
    assert report.new == days
    assert len(store.calls) == 6


def test_no_readings_no_calls() -> None:
    store = MemoryStore()
    assert put(store, {}) == LoadReport()
    assert store.calls == []


def test_a_later_reading_stays() -> None:
    store = MemoryStore()
    put(store, {0: 60}, minutes=5)
    report = put(store, {0: 50, 1: 7}, minutes=1)
    assert (report.new, report.stale, report.corrected) == (1, 1, 0)
    assert store.loads() == {f"a:{PCE}:2023-12-29": 60, f"a:{PCE}:2023-12-30": 7}
    store.check_totals()


def test_a_status_alone_is_confirmed_and_counts_are_plain_numbers() -> None:
    store = MemoryStore()
    put(store, {0: 60})
    report = put(store, {0: 60}, minutes=1, status="definitive")
    assert report.counts() | {"months": 0, "years": 0} == {
        "new": 0,
        "corrected": 0,
        "confirmed": 1,
        "unchanged": 0,
        "stale": 0,
        "removed": 0,
        "months": 0,
        "years": 0,
    }
    assert store.docs[DAY][f"a:{PCE}:2023-12-29"]["status"] == "definitive"


def test_other_meters_and_accounts_are_not_summed() -> None:
    store = MemoryStore()
    for account in ("a", "a-b", "a_", "aa"):
        put(store, {0: 10, 4: 1}, account=account)
    load_answer(store, "a", "GI000042", readings({0: 5}), at(0))
    assert {doc["load"] for key, doc in store.docs[YEAR].items() if key.endswith("2023")} == {10, 5}
    store.check_totals()


def test_other_peoples_keys_are_kept() -> None:
    store = MemoryStore()
    put(store, {0: 10})
    for docs in store.docs.values():
        for doc in docs.values():
            doc["cozyMetadata"] = {"x": 1}
    put(store, {0: 11}, minutes=1)
    assert all(doc["cozyMetadata"] == {"x": 1} for docs in store.docs.values() for doc in docs.values())


def test_a_wrong_total_is_repaired_although_no_day_changed() -> None:
    store = MemoryStore()
    put(store, {0: 10, 5: 20, 40: 3})
    store.docs[MONTH][f"a:{PCE}:2024-01"]["load"] = 999
    del store.docs[YEAR][f"a:{PCE}:2024"]
    report = put(store, {40: 3}, minutes=1)  # the load is about February, but January is repaired too
    assert report.unchanged == 1
    assert (report.months, report.years) == (1, 1)
    store.check_totals()


def test_a_store_that_always_conflicts_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryStore()
    monkeypatch.setattr(store, "write", lambda _, docs: WriteResult(set(), {doc["_id"] for doc in docs}))
    with pytest.raises(
        StoreBusy,
        match=rf"^Account a: others changed the documents of meter {meter_tag('a', PCE)} .* tried again automatically",
    ):
        put(store, {0: 1})
    assert len(store.calls) == 3 * load_module.ATTEMPTS


@pytest.mark.parametrize("first", FIRSTS)
@pytest.mark.parametrize("how", ["before", "halfway", "after"])
@pytest.mark.parametrize("call", range(6))
def test_killed_anywhere_and_repeated(call: int, how: str, first: date) -> None:
    store = MemoryStore()
    put(store, {0: 60, 1: 55, 5: 1}, first=first)
    fresh = {0: 61, 1: 55, 3: 9, 5: 2, 6: 4}
    with pytest.raises(Killed):
        put(Mortal(store, call, how), fresh, minutes=1, first=first)
    put(store, fresh, minutes=1, first=first)
    assert sorted(store.loads().values()) == sorted(fresh.values())
    store.check_totals()


def final_is_newest(
    store: MemoryStore, before: dict[int, int], old: dict[int, int], new: dict[int, int], first: date
) -> None:
    """Check the days. A reading that repeats what is stored leaves no trace, so an older one may replace it later."""
    for n in before | old | new:
        stored = store.loads()[f"a:{PCE}:{first + timedelta(days=n)}"]
        newest = next(loads[n] for loads in (new, old, before) if n in loads)
        assert stored == newest or (n in old and stored == old[n] and new.get(n) == before.get(n))


LOADS = st.dictionaries(st.integers(0, 6), st.integers(0, 3), min_size=1)
ORDER = st.lists(st.integers(0, 1), max_size=24)
FIRST_DAY = st.sampled_from(FIRSTS)


@settings(max_examples=300)
@given(st.dictionaries(st.integers(0, 6), st.integers(0, 3)), LOADS, LOADS, ORDER, FIRST_DAY)
def test_two_at_once(
    before: dict[int, int], old: dict[int, int], new: dict[int, int], order: list[int], first: date
) -> None:
    store = MemoryStore()
    put(store, before, minutes=0, first=first)
    jobs = [lambda s: put(s, old, minutes=1, first=first), lambda s: put(s, new, minutes=2, first=first)]
    interleave(store, jobs, order)
    store.check_totals()
    final_is_newest(store, before, old, new, first)


@settings(max_examples=600)
@given(LOADS, LOADS, LOADS, ORDER, st.integers(0, 9), st.sampled_from(["before", "halfway", "after"]))
def test_two_at_once_of_which_one_is_killed(
    before: dict[int, int], old: dict[int, int], new: dict[int, int], order: list[int], call: int, how: str
) -> None:
    """The next load of that year finds what is left, although nothing of what it reads is new."""
    store, first = MemoryStore(), FIRSTS[1]
    put(store, before, minutes=0, first=first)

    def killed(place: Any) -> None:
        with suppress(Killed):
            put(Mortal(place, call, how), old, minutes=1, first=first)

    interleave(store, [killed, lambda place: put(place, new, minutes=2, first=first)], order)
    load_answer(store, "a", PCE, [], at(3), window=Window(first, first + timedelta(days=7)))
    store.check_totals()


@pytest.mark.parametrize("first", FIRSTS)
def test_a_day_that_goes_there_and_back_leaves_no_wrong_total(first: date) -> None:
    """This tries every interleaving of a slow load that read 6 with a later one that read 5, the earlier value."""
    steps = 6
    for places in combinations(range(2 * steps), steps):
        store = MemoryStore()
        put(store, {5: 5}, minutes=0, first=first)
        order = [0 if place in places else 1 for place in range(2 * steps)]
        jobs = [lambda s, n=n: put(s, {5: 7 - n}, minutes=n, first=first) for n in (1, 2)]
        interleave(store, jobs, order)
        store.check_totals()
