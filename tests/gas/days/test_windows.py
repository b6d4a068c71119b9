"""Windows: what a daily run requests."""

from __future__ import annotations

import itertools
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.gas.days.asked_days import SOONEST, SPREAD, daily_window, is_whole_due
from include.gas.days.windows import Window, oldest_allowed

TODAY = date(2024, 4, 2)
RUN = date(2024, 4, 1)
DAYS = st.dates(date(2000, 1, 1), date(2060, 1, 1))


@pytest.mark.parametrize(
    ("run", "reread", "whole", "first", "end"),
    [
        (RUN, 5, False, date(2024, 3, 27), TODAY),
        (RUN, 0, False, RUN, TODAY),
        (RUN, 0, True, date(2021, 4, 4), TODAY),
        (RUN, 2000, False, date(2021, 4, 4), TODAY),
        (date(2023, 5, 1), 5, False, date(2023, 4, 26), date(2023, 5, 2)),
        (date(2024, 4, 5), 5, False, date(2024, 3, 31), TODAY),
    ],
)
def test_a_run_asks_for_its_day_and_some_before_it_or_for_everything(
    run: date, reread: int, whole: bool, first: date, end: date
) -> None:
    assert daily_window(run, TODAY, timedelta(days=reread), whole=whole) == Window(first, end)


@pytest.mark.parametrize(("run", "whole"), [(date(2024, 4, 20), False), (date(2020, 1, 1), False)])
def test_nothing_left(run: date, whole: bool) -> None:
    assert daily_window(run, TODAY, timedelta(days=5), whole=whole) is None


@given(DAYS, st.integers(0, 400), DAYS, st.booleans())
def test_never_beyond_any_bound(run: date, reread: int, today: date, whole: bool) -> None:
    window = daily_window(run, today, timedelta(days=reread), whole=whole)
    if window is not None:
        assert oldest_allowed(today) <= window.first < window.end <= min(today, run + timedelta(days=1))


@given(st.text(max_size=20))
def test_everything_is_asked_for_at_first_and_then_once_in_three_to_four_weeks(account: str) -> None:
    assert is_whole_due(account, None, TODAY)
    due = [days for days in range(60) if is_whole_due(account, TODAY - timedelta(days=days), TODAY)]
    assert SOONEST <= due[0] < SOONEST + SPREAD
    assert due == list(range(due[0], 60)), "a run that failed on that day is made up for"


def test_accounts_that_came_on_one_day_ask_for_everything_on_different_mornings() -> None:
    due = [
        sum(is_whole_due(f"account-{number}", TODAY - timedelta(days=days), TODAY) for number in range(400))
        for days in range(SOONEST, SOONEST + SPREAD)
    ]
    assert due[-1] == 400
    assert all(20 < now - before < 80 for before, now in itertools.pairwise([0, *due]))


@given(DAYS)
def test_the_oldest_day_is_within_three_years_whatever_the_date(today: date) -> None:
    age = today - oldest_allowed(today)
    assert timedelta(days=3 * 365 - 3) <= age <= timedelta(days=3 * 365 + 1 - 2)


def test_leap_days() -> None:
    assert oldest_allowed(date(2024, 2, 29)) == date(2021, 3, 3)
    assert oldest_allowed(date(2027, 3, 1)) == date(2024, 3, 3)


@given(DAYS, st.integers(1, 1200), st.none() | DAYS, st.none() | DAYS)
def test_windows(first: date, length: int, low: date | None, high: date | None) -> None:
    window = Window(first, first + timedelta(days=length))
    days = list(window.days())
    assert len(window) == len(days) == length
    assert (days[0], days[-1]) == (window.first, window.last)
    assert all(day in window for day in days)
    assert window.end not in window
    kept = [day for day in days if (low is None or day >= low) and (high is None or day < high)]
    clipped = window.clip(low, high)
    assert ([] if clipped is None else list(clipped.days())) == kept


def test_no_empty_window() -> None:
    with pytest.raises(ValueError, match="must start before it ends"):
        Window(RUN, RUN)
    assert Window.of(RUN, RUN) is None
    assert str(Window(RUN, TODAY + timedelta(days=1))) == "2024-04-01 to 2024-04-02"
