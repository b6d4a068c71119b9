"""Totals from published periods: nothing of a period is lost, and days, adopted figures and prices come before them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.gas.answers.consumption.daily import Reading
from include.gas.answers.consumption.published import Period
from include.gas.answers.consumption.sorting import Answer
from include.gas.days.windows import Window
from include.gas.documents.billing.period_totals import is_of_periods, period_totals
from include.gas.documents.billing.periods import store_periods
from include.gas.documents.doctypes import DAY, MONTH, PUBLISHED, YEAR
from include.gas.documents.storing import load_answer
from tests.gas.memory_store import MemoryStore

PCE = "09900000000017"
NOW = datetime(2024, 8, 9, tzinfo=UTC)


EVER = (Window(date.min, date.max),)


def periods(*given: tuple[str, str, Any]) -> list[Period]:
    return [Period(date.fromisoformat(first), date.fromisoformat(end), load) for first, end, load in given]


def told(*given: tuple[str, str, Any]) -> dict[str, tuple[Any, int]]:
    months, years = period_totals("a", PCE, periods(*given))
    return {each["_id"].rpartition(":")[2]: (each["load"], each["published_days"]) for each in (*months, *years)}


def test_half_a_year_is_spread_over_its_months() -> None:
    assert told(("2023-10-01", "2024-04-01", 1830)) == {
        "2023-10": (310, 31), "2023-11": (300, 30), "2023-12": (310, 31),
        "2024-01": (310, 31), "2024-02": (290, 29), "2024-03": (310, 31),
        "2023": (920, 92), "2024": (910, 91),
    }  # fmt: skip


def test_two_periods_meet_within_a_month() -> None:
    assert told(("2024-01-10", "2024-01-20", 100), ("2024-01-20", "2024-02-10", 210)) == {
        "2024-01": (220, 22), "2024-02": (90, 9), "2024": (310, 31),
    }  # fmt: skip


def test_periods_that_overlap_are_not_counted_twice() -> None:
    one, twin, next_one = (
        ("2024-01-01", "2024-02-01", 310),
        ("2024-01-01", "2024-01-02", 9),
        ("2024-02-01", "2024-03-01", 29),
    )
    inside = ("2024-01-15", "2024-02-10", 77)
    assert told(twin, one, inside, next_one) == {"2024-01": (310, 31), "2024-02": (29, 29), "2024": (339, 60)}


loads = st.one_of(st.integers(0, 10**7), st.decimals(0, 10**6, places=3).map(float))


@given(
    st.dates(date(2020, 1, 1), date(2026, 1, 1)),
    st.lists(st.tuples(st.integers(1, 400), loads), min_size=1, max_size=6),
)
def test_nothing_is_lost_and_nothing_added(first: date, lengths: list[tuple[int, Any]]) -> None:
    made, start = [], first
    for days, load in lengths:
        made.append((start.isoformat(), (start + timedelta(days=days)).isoformat(), load))
        start += timedelta(days=days)
    months, years = period_totals("a", PCE, periods(*made))
    for totals in (months, years):
        whole = sum(Fraction(str(load)) for _, load in lengths)
        assert sum(Fraction(str(total["load"])) for total in totals) == whole
        assert sum(total["published_days"] for total in totals) == sum(days for days, _ in lengths)
        assert all(total["load"] >= 0 for total in totals)


def store_with(*given: tuple[str, str, Any]) -> MemoryStore:
    store = MemoryStore()
    write(store, *given)
    return store


def write(store: MemoryStore, *given: tuple[str, str, Any], daily: bool = False) -> int:
    """Store what GRDF says, and nothing else. Return how many totals were written."""
    gone = [each | {"_deleted": True} for each in store.range(PUBLISHED, "", "z")]
    store.write(PUBLISHED, gone)
    before = {each["_rev"] for doctype in (MONTH, YEAR) for each in store.docs[doctype].values()}
    answer = Answer("a", PCE, Window(date(2020, 1, 1), date(2026, 1, 1)), tuple(periods(*given)))
    store_periods(store, "a", PCE, EVER, [(answer, NOW.isoformat())], daily=daily)
    after = {each["_rev"] for doctype in (MONTH, YEAR) for each in store.docs[doctype].values()}
    return max(len(after - before), len(before - after))


HALF = ("2023-10-01", "2024-04-01", 1830)


def test_again_writes_nothing_and_a_correction_replaces() -> None:
    store = store_with(HALF)
    assert write(store, HALF) == 0
    store.docs[MONTH][f"a:{PCE}:2024-03"] |= {"price": 5, "note": "x"}
    assert write(store, (*HALF[:2], 3660)) == 8
    month = store.docs[MONTH][f"a:{PCE}:2024-03"]
    assert (month["load"], month["note"]) == (620, "x")
    assert not {"price", "former_price"} & month.keys(), "the former figure may have been another household's"
    assert write(store) == 8
    assert (store.docs[MONTH], store.docs[YEAR]) == ({}, {})


@pytest.mark.parametrize("better", [{"days": 3, "load": 7}, {"days": 0, "load": 7}])
def test_sums_of_days_and_figures_of_the_konnector_stay(better: dict[str, Any]) -> None:
    store = MemoryStore()
    key = f"a:{PCE}:2024-03"
    store.write(MONTH, [{"_id": key, "account": "a", "pce": PCE, **better}])
    write(store, HALF)
    assert store.docs[MONTH][key]["load"] == 7
    assert write(store) == 7
    assert list(store.docs[MONTH]) == [key]


def test_days_replace_them_and_leave_the_months_without_days() -> None:
    store = store_with(HALF)
    load_answer(store, "a", PCE, [Reading(date(2024, 3, 5), 12)], NOW)
    march, year = store.docs[MONTH][f"a:{PCE}:2024-03"], store.docs[YEAR][f"a:{PCE}:2024"]
    assert (march["load"], march["days"], year["load"]) == (12, 1, 12)
    assert not {"source", "published_days"} & (march.keys() | year.keys())
    assert is_of_periods(store.docs[MONTH][f"a:{PCE}:2024-02"])
    assert is_of_periods(store.docs[YEAR][f"a:{PCE}:2023"])
    assert len(store.docs[DAY]) == 1


def test_what_days_have_left_follows_the_periods_and_goes_with_them() -> None:
    store = store_with(HALF)
    load_answer(store, "a", PCE, [Reading(date(2024, 3, 5), 12)], NOW)
    assert write(store, (*HALF[:2], 3660), daily=True) == 6  # five months and the year 2023
    assert store.docs[MONTH][f"a:{PCE}:2024-02"]["load"] == 580
    assert store.docs[MONTH][f"a:{PCE}:2024-03"]["load"] == 12
    assert write(store, daily=True) == 6
    assert [key[-7:] for key in store.docs[MONTH]] == ["2024-03"]


@pytest.mark.parametrize(
    ("days", "months"),
    [
        ((), 6),
        (("2024-01-15",), 3),
        (("2023-12-31", "2024-03-05"), 2),
        (("2024-04-02",), 6),
        (("2022-05-01",), 0),
    ],
)
def test_one_that_has_daily_data_now_gets_those_before_its_first_day(days: tuple[str, ...], months: int) -> None:
    """Those after it may still come from days. One that never had any of its periods gets none."""
    before = ("2022-01-01", "2022-03-01", 9)
    store = store_with(before)
    load_answer(store, "a", PCE, [Reading(date.fromisoformat(day), 7) for day in days], NOW)
    write(store, before, HALF, daily=True)
    made = [key for key, total in store.docs[MONTH].items() if is_of_periods(total) and key[-7:] > "2022-02"]
    assert len(made) == months
    store = MemoryStore()
    assert write(store, HALF, daily=True) == 0
    assert len(store.docs[PUBLISHED]) == 1
