"""When days and periods are late, by the reading frequency."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from include.gas.days.lateness import due_until, period_late_after, silent_after


@pytest.mark.parametrize(
    ("frequency", "days", "periods"),
    [("1M", 5, 80), ("MM", 55, 80), ("6M", None, 240), ("JJ", None, 40), ("", 5, 80), ("1J", 5, 80)],
)
def test_the_table(frequency: str, days: int | None, periods: int) -> None:
    assert (silent_after(frequency), period_late_after(frequency)) == (days, periods)


@pytest.mark.parametrize(
    ("frequency", "today", "end"),
    [
        ("1M", date(2026, 11, 30), date(2026, 11, 27)),
        ("", date(2026, 3, 1), date(2026, 2, 26)),
        ("MM", date(2026, 11, 20), date(2026, 10, 1)),
        ("MM", date(2026, 11, 21), date(2026, 11, 1)),
        ("MM", date(2027, 1, 1), date(2026, 12, 1)),
        ("MM", date(2027, 1, 31), date(2027, 1, 1)),
    ],
)
def test_days_are_missing_only_once_they_are_due(frequency: str, today: date, end: date) -> None:
    assert due_until(frequency, today) == end


def test_a_meter_whose_months_come_on_the_last_day_that_is_usual_is_never_silent() -> None:
    first = date(2024, 1, 1)
    for today in (first + timedelta(days=n) for n in range(1500)):
        newest = due_until("MM", today) - timedelta(days=1)
        assert (today - newest).days <= 51 < (silent_after("MM") or 0), today
