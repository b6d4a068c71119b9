"""What an account says of a meter's freshness: its newest day, when the next is expected, and how late days came."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from include.gas.account.freshness import Freshness, Late, Lateness
from include.gas.days.windows import Window
from include.gas.documents.year_counts import StoredYear

FIRST, LAST = date(2026, 5, 1), date(2026, 6, 10)


def stored(last: date, *absent: date) -> dict[int, StoredYear]:
    return {2026: StoredYear(FIRST, last, tuple(Window(day, day + timedelta(days=1)) for day in absent))}


def after(*delays: int, frequency: str = "1M", late: bool = False) -> Freshness:
    """A meter first read on ``LAST``, then once for each of the following days, with its delay."""
    fresh = Freshness().after_load(stored(LAST), LAST + timedelta(days=2), frequency)
    for number, delay in enumerate(delays, 1):
        day = LAST + timedelta(days=number)
        fresh = fresh.after_load(stored(day), day + timedelta(days=delay), frequency)
    return fresh


@pytest.mark.parametrize(("delays", "frequency", "expected"), [
    ((), "1M", date(2026, 6, 14)), ((), "", date(2026, 6, 14)), ((1,) * 9, "1M", date(2026, 6, 23)),
    ((1,) * 10, "1M", date(2026, 6, 22)), ((2,) * 9 + (4,) * 2, "1M", date(2026, 6, 26)),
    ((9,) * 12, "1M", date(2026, 6, 27)), ((), "MM", date(2026, 7, 20)), ((3,) * 20, "MM", date(2026, 8, 20)),
])  # fmt: skip
def test_the_next_day_is_expected_by_the_delays_seen_and_before_it_counts_as_silent(
    delays: tuple[int, ...], frequency: str, expected: date
) -> None:
    assert after(*delays, frequency=frequency).expected == expected


def test_delays_are_of_days_that_came_while_the_meter_was_read() -> None:
    assert after().delays == "", "a first import says nothing of how late its days came"
    assert after(1, 2, 12).delays == "129"
    behind = after(1).after_load(stored(date(2026, 6, 14), date(2026, 6, 12)), date(2026, 6, 15), "1M")
    assert behind.delays == "1.21"
    assert len(after(*(1,) * 90).delays) == 60
    assert after(1, 2).after_load(stored(LAST), LAST, "1M") == Freshness(LAST, date(2026, 6, 14)), (
        "a day was taken back"
    )


def test_a_new_day_ends_the_lateness_and_a_load_without_one_does_not() -> None:
    late = Freshness(LAST, date(2026, 6, 14), "11", Late.because(Lateness.METER))
    assert late.after_load(stored(LAST), date(2026, 6, 18), "1M").late == late.late
    assert late.after_load(stored(date(2026, 6, 11)), date(2026, 6, 18), "1M").late is None


@pytest.mark.parametrize("frequency", ["6M", "JJ"])
def test_a_meter_without_daily_data_has_none(frequency: str) -> None:
    assert after(1, frequency=frequency) == Freshness()
    assert Freshness().after_load({}, LAST, "1M") == Freshness()
