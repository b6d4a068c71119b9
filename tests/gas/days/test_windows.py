"""Windows: what a daily run requests."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.gas.days.asked_days import Reread, daily_window
from include.gas.days.windows import Window, oldest_allowed
from include.gas.documents.gaps import gaps_of

TODAY = date(2024, 4, 2)
RUN = date(2024, 4, 1)
DAYS = st.dates(date(2000, 1, 1), date(2060, 1, 1))


def ask(**changes: Any) -> Window | None:
    usual: dict[str, Any] = {
        "run_day": RUN, "last_stored": date(2024, 3, 31), "history_read": True, "reread": Reread(5), "today": TODAY,
        "consent_first": None, "consent_end": None,
    }  # fmt: skip
    return daily_window(**(usual | changes))


@pytest.mark.parametrize(
    ("changes", "first", "end"),
    [
        ({}, date(2024, 3, 27), TODAY),
        ({"last_stored": RUN}, date(2024, 3, 27), TODAY),
        ({"last_stored": date(2024, 3, 20)}, date(2024, 3, 16), TODAY),
        ({"last_stored": None}, date(2021, 4, 4), TODAY),
        ({"last_stored": None, "consent_first": date(2024, 1, 5)}, date(2024, 1, 5), TODAY),
        ({"awaited_from": date(2024, 1, 9)}, date(2024, 1, 9), TODAY),
        ({"awaited_from": date(2024, 3, 29)}, date(2024, 3, 27), TODAY),
        ({"awaited_from": date(2001, 1, 1)}, date(2021, 4, 4), TODAY),
        ({"reread": Reread(0)}, RUN, TODAY),
        ({"run_day": date(2023, 5, 1)}, date(2023, 4, 26), date(2023, 5, 2)),
        ({"history_read": False}, date(2021, 4, 4), TODAY),
        ({"history_read": False, "last_stored": None}, date(2021, 4, 4), TODAY),
        ({"history_read": False, "consent_first": date(2023, 1, 1)}, date(2023, 1, 1), TODAY),
        ({"last_stored": date(2015, 1, 1)}, date(2021, 4, 4), TODAY),
        ({"consent_end": date(2024, 4, 1)}, date(2024, 3, 27), date(2024, 4, 1)),
        ({"run_day": date(2024, 4, 5)}, date(2024, 3, 27), TODAY),
    ],
)
def test_cases(changes: dict[str, Any], first: date, end: date) -> None:
    assert ask(**changes) == Window(first, end)


@pytest.mark.parametrize(
    "changes",
    [
        {"consent_end": date(2024, 3, 27)},
        {"consent_first": TODAY},
        {"run_day": date(2024, 4, 20), "last_stored": date(2024, 4, 20)},
        {"run_day": date(2020, 1, 1), "last_stored": None},
    ],
)
def test_nothing_left(changes: dict[str, Any]) -> None:
    assert ask(**changes) is None


@given(st.integers(0, 400))
def test_one_rule_says_what_runs_ask_again_and_what_counts_as_answered(days: int) -> None:
    """A missing day counts as answered once it is too old for the next run's window. Each day is one or the other."""
    reread, stored = Reread(days), {date(2024, 3, 31)}
    asked = ask(reread=reread, last_stored=RUN, run_day=RUN)
    following = ask(reread=reread, last_stored=RUN, run_day=TODAY, today=TODAY + timedelta(days=1))
    assert asked
    assert following
    found = gaps_of(
        first=asked.first, end=asked.end, stored=stored, years=range(2020, 2025), reread=reread,
        asked=Window(asked.first - timedelta(days=9), asked.end), before={}, today=TODAY,
    )  # fmt: skip
    unasked = [gap.ask_from for gap in found.values() if gap.ask_from]
    once = [run for gap in found.values() for _, run in gap.once]
    assert all(each >= following.first for each in unasked)
    assert all(run.last < following.first for run in once)


@given(
    DAYS,
    st.none() | DAYS,
    st.booleans(),
    st.integers(0, 400),
    DAYS,
    st.none() | DAYS,
    st.none() | DAYS,
    st.none() | DAYS,
)
def test_never_beyond_any_bound(
    run: date,
    last: date | None,
    read: bool,
    reread: int,
    today: date,
    first: date | None,
    end: date | None,
    awaited: date | None,
) -> None:
    window = daily_window(
        run_day=run,
        last_stored=last,
        history_read=read,
        reread=Reread(reread),
        today=today,
        consent_first=first,
        consent_end=end,
        awaited_from=awaited,
    )
    if window is None:
        return
    assert oldest_allowed(today) <= window.first < window.end <= min(today, run + timedelta(days=1))
    assert first is None or window.first >= first
    assert end is None or window.end <= end


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
