"""A past range: what is requested, what is left out, and why."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.gas.answers.consumption.daily import Reading
from include.gas.days.past_range import askable, asked_range
from include.gas.days.windows import Window, oldest_allowed
from include.gas.documents.gas_days import day_document, open_days
from include.gas.errors import BadRequest

TODAY = date(2026, 11, 25)
DAYS = st.dates(date(2020, 1, 1), date(2028, 1, 1))


@pytest.mark.parametrize(
    ("first", "end", "said"),
    [
        ("2026-02-30", "2026-03-01", "`from` is '2026-02-30'"),
        ("2026-01-01", "soon", "`to` is 'soon'"),
        ("2026-01-02", "2026-01-01", "holds no day"),
        ("2026-01-01", "2026-01-01", "holds no day"),
        (None, "2026-01-01", "`from` is 'None'"),
    ],
)
def test_a_wrong_range_is_refused_in_words(first: object, end: object, said: str) -> None:
    with pytest.raises(BadRequest, match=said) as refused:
        asked_range(first, end)
    assert "Start it again" in str(refused.value)


def test_a_range_within_everything_is_asked_whole() -> None:
    asked = asked_range("2026-01-01", "2026-02-01")
    assert askable(asked, today=TODAY, consent_first=None, consent_end=None) == (asked, [])


@pytest.mark.parametrize(
    ("first", "end", "reason"),
    [
        ("2020-01-01", "2026-01-01", "GRDF keeps 3 years"),
        ("2026-11-01", "2027-01-01", "not over yet"),
        ("2024-01-01", "2026-01-01", "consent starts with 2025-03-01"),
        ("2025-04-01", "2026-10-01", "consent ends before 2026-09-01"),
    ],
)
def test_what_is_left_out_is_said(first: str, end: str, reason: str) -> None:
    _, reasons = askable(
        asked_range(first, end), today=TODAY, consent_first=date(2025, 3, 1), consent_end=date(2026, 9, 1)
    )
    assert any(reason in each for each in reasons), reasons


@given(DAYS, st.integers(1, 900), st.none() | DAYS, st.none() | DAYS)
def test_no_day_outside_is_asked_and_no_day_is_lost_without_a_reason(
    first: date, length: int, consent_first: date | None, consent_end: date | None
) -> None:
    asked = Window(first, first + timedelta(days=length))
    window, reasons = askable(asked, today=TODAY, consent_first=consent_first, consent_end=consent_end)
    allowed = [
        day
        for day in asked.days()
        if oldest_allowed(TODAY) <= day < TODAY
        and (consent_first is None or day >= consent_first)
        and (consent_end is None or day < consent_end)
    ]
    assert (list(window.days()) if window else []) == allowed
    assert bool(reasons) or allowed == list(asked.days())


@given(st.lists(st.sampled_from(["absent", "provisional", "definitive"]), min_size=1, max_size=60))
def test_only_definitive_days_at_the_edges_are_not_asked(states: list[str]) -> None:
    first = date(2026, 2, 1)
    window = Window(first, first + timedelta(days=len(states)))
    stored = [
        day_document("a", Reading(day, 1, status=state), "09999999900017", "2026-06-01T00:00:00+00:00")  # type: ignore[arg-type]  # the drawn words are the type's own
        for day, state in zip(window.days(), states, strict=True)
        if state != "absent"
    ]
    found = open_days(window, stored)
    wanted = [day for day, state in zip(window.days(), states, strict=True) if state != "definitive"]
    assert (found.first, found.last) == (wanted[0], wanted[-1]) if found else not wanted
