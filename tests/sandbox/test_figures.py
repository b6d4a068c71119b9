"""What the demo expects to be stored, on each day of the calendar: it was wrong on the last days of each month."""

from __future__ import annotations

from datetime import date, timedelta

from include.gas.days.windows import oldest_allowed
from include.sandbox.figures import first_asked


def test_the_first_day_is_the_one_that_is_asked_for_on_any_day() -> None:
    days = [date(2024, 1, 1) + timedelta(days=each) for each in range(5 * 366)]
    assert [day for day in days if first_asked(day) != oldest_allowed(day)] == []
