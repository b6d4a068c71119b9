"""Windows of days: what a daily run asks for, and what a range of the past does."""

from __future__ import annotations

import itertools
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.gas.answers.consumption.daily import Reading
from include.gas.days.asked_days import SOONEST, SPREAD, daily_window, is_whole_due
from include.gas.days.past_range import askable, asked_range
from include.gas.days.windows import Window, oldest_allowed
from include.gas.documents.gas_days import day_document, open_days
from include.gas.errors import BadRequest

TODAY, RUN = date(2024, 4, 2), date(2024, 4, 1)
DAYS, LATELY = st.dates(date(2000, 1, 1), date(2060, 1, 1)), st.dates(date(2019, 1, 1), date(2026, 1, 1))


@pytest.mark.parametrize(
    ("run", "reread", "whole", "found"),
    [
        (RUN, 5, False, Window(date(2024, 3, 27), TODAY)),
        (RUN, 0, False, Window(RUN, TODAY)),
        (RUN, 0, True, Window(date(2021, 4, 4), TODAY)),
        (RUN, 2000, False, Window(date(2021, 4, 4), TODAY)),
        (date(2023, 5, 1), 5, False, Window(date(2023, 4, 26), date(2023, 5, 2))),
        (date(2024, 4, 5), 5, False, Window(date(2024, 3, 31), TODAY)),
        (date(2024, 4, 20), 5, False, None),
        (date(2020, 1, 1), 5, False, None),
    ],
)
def test_a_run_asks_for_its_day_and_some_before_it_or_for_everything(
    run: date, reread: int, whole: bool, found: Window | None
) -> None:
    assert daily_window(run, TODAY, timedelta(days=reread), whole=whole) == found


@given(DAYS, st.integers(0, 400), DAYS, st.booleans())
def test_never_beyond_any_bound(run: date, reread: int, today: date, whole: bool) -> None:
    window = daily_window(run, today, timedelta(days=reread), whole=whole)
    if window is not None:
        assert oldest_allowed(today) <= window.first < window.end <= min(today, run + timedelta(days=1))
    assert timedelta(days=3 * 365 - 3) <= today - oldest_allowed(today) <= timedelta(days=3 * 365 - 1)


def test_leap_days() -> None:
    assert oldest_allowed(date(2024, 2, 29)) == date(2021, 3, 3)
    assert oldest_allowed(date(2027, 3, 1)) == date(2024, 3, 3)


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


@given(LATELY, st.integers(1, 1200), st.none() | LATELY, st.none() | LATELY)
def test_windows_are_their_days_and_what_may_not_be_asked_is_left_out_with_a_reason(
    first: date, length: int, low: date | None, high: date | None
) -> None:
    window = Window(first, first + timedelta(days=length))
    days = list(window.days())
    assert len(window) == len(days) == length
    assert (days[0], days[-1]) == (window.first, window.last)
    assert all(day in window for day in days)
    assert window.end not in window
    kept = [day for day in days if (low is None or day >= low) and (high is None or day < high)]
    clipped = window.clip(low, high)
    assert ([] if clipped is None else list(clipped.days())) == kept
    asked, reasons = askable(window, today=TODAY, consent_first=low, consent_end=high)
    allowed = [day for day in kept if oldest_allowed(TODAY) <= day < TODAY]
    assert (list(asked.days()) if asked else []) == allowed
    assert bool(reasons) or allowed == days


def test_no_empty_window() -> None:
    with pytest.raises(ValueError, match="must start before it ends"):
        Window(RUN, RUN)
    assert Window.of(RUN, RUN) is None
    assert str(Window(RUN, TODAY + timedelta(days=1))) == "2024-04-01 to 2024-04-02"


@pytest.mark.parametrize(
    ("first", "end", "said"),
    [
        ("2026-02-30", "2026-03-01", "`from` is '2026-02-30'"), ("2026-01-01", "soon", "`to` is 'soon'"),
        ("2026-01-02", "2026-01-01", "holds no day"), ("2026-01-01", "2026-01-01", "holds no day"),
        (None, "2026-01-01", "`from` is 'None'"),
    ],
)  # fmt: skip
def test_a_wrong_range_is_refused_in_words(first: Any, end: Any, said: str) -> None:
    with pytest.raises(BadRequest, match=said) as refused:
        asked_range(first, end)
    assert "Start it again" in str(refused.value)


@pytest.mark.parametrize(
    ("first", "end", "reason"),
    [
        ("2020-01-01", "2024-01-01", "GRDF keeps 3 years"), ("2024-03-01", "2025-01-01", "not over yet"),
        ("2022-01-01", "2024-01-01", "consent starts with 2023-03-01"),
        ("2023-04-01", "2024-04-01", "consent ends before 2024-02-01"), ("2023-04-01", "2024-01-01", None),
    ],
)  # fmt: skip
def test_what_is_left_out_is_said(first: str, end: str, reason: str | None) -> None:
    consent = {"consent_first": date(2023, 3, 1), "consent_end": date(2024, 2, 1)}
    _, reasons = askable(asked_range(first, end), today=TODAY, **consent)
    assert any(reason in each for each in reasons) if reason else not reasons, reasons


@given(st.lists(st.sampled_from(["absent", "provisional", "definitive"]), min_size=1, max_size=60))
def test_only_definitive_days_at_the_edges_are_not_asked(states: list[Any]) -> None:
    window = Window(RUN, RUN + timedelta(days=len(states)))
    days = dict(zip(window.days(), states, strict=True))
    stored = [
        day_document("a", Reading(day, 1, status=state), "09999999900017", "2026-06-01T00:00:00+00:00")
        for day, state in days.items()
        if state != "absent"
    ]
    found, wanted = open_days(window, stored), [day for day, state in days.items() if state != "definitive"]
    assert (found.first, found.last) == (wanted[0], wanted[-1]) if found else not wanted
