"""What an account says is stored for its meters is exactly what the days say."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from include.gas.answers.consumption.daily import Reading
from include.gas.days.windows import Window
from include.gas.documents.doctypes import DAY
from include.gas.documents.gas_days import account_range
from include.gas.documents.storing import load_answer
from include.gas.documents.year_counts import StoredYear, stored_years
from tests.gas.memory_store import MemoryStore

PCE = "09999999900017"
FIRST = date(2023, 11, 20)


def reading(day: date, load: int, status: str = "definitive") -> Reading:
    return Reading(day=day, load=load, status=status, quality="measured")  # type: ignore[arg-type]


def load(store: MemoryStore, readings: list[Reading], read_at: str = "2026-01-01T00:00:00+00:00") -> Any:
    return load_answer(store, "a", PCE, readings, read_at)


def one(day: date) -> Window:
    return Window(day, day + timedelta(days=1))


@given(st.dictionaries(st.integers(0, 900), st.sampled_from(["provisional", "definitive"]), min_size=1))
def test_a_load_tells_of_each_year_that_it_looked_at_what_is_stored(days: dict[int, str]) -> None:
    store = MemoryStore()
    report = load(store, [reading(FIRST + timedelta(days=n), 7, status) for n, status in days.items()])
    assert report.held == stored_years(store.range(DAY, *account_range("a")))
    for year, held in report.held.items():
        mine = {FIRST + timedelta(days=n): status for n, status in days.items()}
        mine = {day: status for day, status in mine.items() if day.year == year}
        provisional = sum(status == "provisional" for status in mine.values())
        assert held == StoredYear(min(mine), max(mine), held.absent, provisional)
        assert held.days == len(mine)
        every = [day for day in Window(date(year, 1, 1), date(year + 1, 1, 1)).days() if held.within(one(day))]
        assert every == sorted(mine)


def test_a_corrected_day_is_counted_once_however_often_it_was_corrected() -> None:
    store = MemoryStore()
    for hour, kwh in enumerate((5, 6, 7)):
        report = load(store, [reading(FIRST, kwh, "provisional")], f"2026-01-01T0{hour}:00:00+00:00")
    assert report.held == {2023: StoredYear(FIRST, FIRST, provisional=1, corrected=1)}
    assert load(store, [reading(FIRST, 7, "provisional")], "2026-01-02T00:00:00+00:00").held == report.held
