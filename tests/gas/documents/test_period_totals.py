"""Totals from published periods: nothing of a period is lost, and days, adopted figures and prices come before them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from include.gas.answers.consumption.published import Period
from include.gas.answers.consumption.sorting import SortedAnswer
from include.gas.days.windows import Window
from include.gas.documents.billing.period_totals import is_from_periods, period_totals
from include.gas.documents.billing.periods import PeriodsStored, store_periods
from include.gas.documents.doctypes import DAY, MONTH, PUBLISHED, YEAR
from include.gas.documents.storing import WriteResult
from include.gas.errors import StoreBusy
from include.gas.meter_tag import meter_tag
from tests.gas.memory_store import PCE, MemoryStore, put

Given = tuple[str, str, Any]
MARCH_5 = {67: 12}


def periods(*given: Given) -> list[Period]:
    return [Period(date.fromisoformat(first), date.fromisoformat(end), load) for first, end, load in given]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (  # half a year is spread over its months
            [("2023-10-01", "2024-04-01", 1830)],
            {"2023-10": (310, 31), "2023-11": (300, 30), "2023-12": (310, 31), "2024-01": (310, 31),
             "2024-02": (290, 29), "2024-03": (310, 31), "2023": (920, 92), "2024": (910, 91)},
        ),
        (  # two meet within a month
            [("2024-01-10", "2024-01-20", 100), ("2024-01-20", "2024-02-10", 210)],
            {"2024-01": (220, 22), "2024-02": (90, 9), "2024": (310, 31)},
        ),
        (  # what overlaps is not counted twice
            [("2024-01-01", "2024-01-02", 9), ("2024-01-01", "2024-02-01", 310), ("2024-01-15", "2024-02-10", 77),
             ("2024-02-01", "2024-03-01", 29)],
            {"2024-01": (310, 31), "2024-02": (29, 29), "2024": (339, 60)},
        ),
    ],
)  # fmt: skip
def test_periods_are_spread_over_months_and_years(given: list[Given], found: dict[str, tuple[int, int]]) -> None:
    months, years = period_totals("a", PCE, periods(*given))
    totals = {each["_id"].rpartition(":")[2]: (each["load"], each["published_days"]) for each in (*months, *years)}
    assert totals == found


LOADS = st.one_of(st.integers(0, 10**7), st.decimals(0, 10**6, places=3).map(float))


@given(
    st.dates(date(2020, 1, 1), date(2026, 1, 1)),
    st.lists(st.tuples(st.integers(1, 400), LOADS), min_size=1, max_size=6),
)
def test_nothing_is_lost_and_nothing_added(first: date, lengths: list[tuple[int, Any]]) -> None:
    made, start = [], first
    for days, load in lengths:
        made.append((start.isoformat(), (start + timedelta(days=days)).isoformat(), load))
        start += timedelta(days=days)
    for totals in period_totals("a", PCE, periods(*made)):
        whole = sum(Fraction(str(load)) for _, load in lengths)
        assert sum(Fraction(str(total["load"])) for total in totals) == whole
        assert sum(total["published_days"] for total in totals) == sum(days for days, _ in lengths)
        assert all(total["load"] >= 0 for total in totals)


EVER = (Window(date.min, date.max),)


def store_answer(
    store: MemoryStore, *given: Given, allowed: Sequence[Window] = EVER, daily: bool = False
) -> PeriodsStored:
    answer = SortedAnswer("a", PCE, Window(date(2020, 1, 1), date(2026, 1, 1)), tuple(periods(*given)))
    return store_periods(store, "a", PCE, allowed, [(answer, "2024-08-09T00:00:00Z")], daily=daily)


def write(store: MemoryStore, *given: Given, daily: bool = False) -> int:

    def revisions() -> set[str]:
        return {each["_rev"] for doctype in (MONTH, YEAR) for each in store.docs[doctype].values()}

    store.write(PUBLISHED, [each | {"_deleted": True} for each in store.scan(PUBLISHED)])
    before = revisions()
    store_answer(store, *given, daily=daily)
    return max(len(revisions() - before), len(before - revisions()))


HALF = ("2023-10-01", "2024-04-01", 1830)


def test_what_was_put_into_the_network_is_in_no_total() -> None:
    store, (period,) = MemoryStore(), periods(HALF)
    injected = SortedAnswer("a", PCE, Window(date(2020, 1, 1), date(2026, 1, 1)), (replace(period, kind="injection"),))
    store_periods(store, "a", PCE, EVER, [(injected, "2024-08-09T00:00:00Z")], daily=False)
    assert [each["kind"] for each in store.scan(PUBLISHED)] == ["injection"]
    assert [*store.scan(MONTH), *store.scan(YEAR)] == []


@pytest.fixture
def store() -> MemoryStore:
    filled = MemoryStore()
    write(filled, HALF)
    return filled


def test_what_becomes_of_each_period_is_counted_and_a_conflict_reported() -> None:
    store, later = MemoryStore(), ("2023-10-02", "2024-05-01", 9)
    autumn = [Window(date(2023, 10, 1), date(2024, 1, 1))]
    for said, allowed, counts, until in (
        ([HALF], EVER, {"new": 1}, "2024-04-01"), ([HALF], EVER, {}, "2024-04-01"),
        ([(*HALF[:2], 7)], EVER, {"corrected": 1}, "2024-04-01"), ([later], autumn, {"removed": 1}, "None"),
        ([later], EVER, {"new": 1}, "2024-05-01"), ([HALF, later], EVER, {"new": 1}, "2024-05-01"),
        ([HALF], EVER, {"removed": 1}, "2024-04-01"),  # withdrawn
    ):  # fmt: skip
        found = store_answer(store, *said, allowed=allowed)
        assert (found.counts, str(found.until)) == (counts, until)
    total = store.get(MONTH, "2024-03")
    assert (total["source"], total["days"], total["load"]) == ("published", 0, 310)
    store.write = lambda _, docs: WriteResult(conflicts={each["_id"] for each in docs})  # type: ignore[method-assign]
    with pytest.raises(StoreBusy, match=f"^Account a: .*{meter_tag('a', PCE)}"):
        store_answer(store, later)


def test_again_writes_nothing_and_a_correction_replaces(store: MemoryStore) -> None:
    assert write(store, HALF) == 0
    store.get(MONTH, "2024-03").update({"price": 5, "hour": 7})
    assert (write(store, HALF), store.get(MONTH, "2024-03")["price"]) == (1, 5), "it stays where the load does"
    store.get(MONTH, "2024-03").update({"price": 5, "note": "x"})
    assert write(store, (*HALF[:2], 3660)) == 8
    month = store.get(MONTH, "2024-03")
    assert (month["load"], month["note"]) == (620, "x")
    assert not {"price", "former_price"} & month.keys(), "the former figure may have been another household's"
    assert write(store) == 8
    assert (store.docs[MONTH], store.docs[YEAR]) == ({}, {})


def test_sums_of_days_and_figures_of_the_konnector_stay() -> None:
    for days in (3, 0):
        store = MemoryStore(month=[{"_id": f"a:{PCE}:2024-03", "account": "a", "pce": PCE, "days": days, "load": 7}])
        write(store, HALF)
        assert store.get(MONTH, "2024-03")["load"] == 7
        assert (write(store), store.periods(MONTH)) == (7, ["2024-03"])


def test_days_replace_them_and_the_months_without_days_follow_the_periods(store: MemoryStore) -> None:
    put(store, MARCH_5)
    march, year = store.get(MONTH, "2024-03"), store.get(YEAR, "2024")
    assert (march["load"], march["days"], year["load"]) == (12, 1, 12)
    assert not {"source", "published_days"} & (march.keys() | year.keys())
    assert is_from_periods(store.get(MONTH, "2024-02"))
    assert is_from_periods(store.get(YEAR, "2023"))
    assert len(store.docs[DAY]) == 1
    assert write(store, (*HALF[:2], 3660), daily=True) == 6  # five months and the year 2023
    assert (store.get(MONTH, "2024-02")["load"], store.get(MONTH, "2024-03")["load"]) == (580, 12)
    assert write(store, daily=True) == 6
    assert store.periods(MONTH) == ["2024-03"]


@pytest.mark.parametrize(("days", "months"), [((), 6), ((17,), 3), ((2, 67), 2), ((95,), 6), ((-607,), 0)])
def test_one_that_has_daily_data_now_gets_those_before_its_first_day(days: tuple[int, ...], months: int) -> None:
    before, store = ("2022-01-01", "2022-03-01", 9), MemoryStore()
    write(store, before)
    put(store, dict.fromkeys(days, 7))
    write(store, before, HALF, daily=True)
    made = [each for each in store.periods(MONTH) if is_from_periods(store.get(MONTH, each)) and each > "2022-02"]
    assert len(made) == months
    store = MemoryStore()
    assert write(store, HALF, daily=True) == 0
    assert len(store.docs[PUBLISHED]) == 1
