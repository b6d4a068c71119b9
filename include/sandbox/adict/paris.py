"""Gas days and civil days in Paris, as the sandbox needs them.

This is intentionally independent of ``include.gas.days.gas_day``: the sandbox checks the client, so it must not share
its mistakes.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")
_SIX = time(6, 0)


@lru_cache(maxsize=8192)
def six_o_clock(day: date) -> str:
    """Return 06:00 Paris time on ``day`` as ISO text with its offset (``+01:00`` or ``+02:00``)."""
    return datetime.combine(day, _SIX, PARIS).isoformat()


def at_hour(day: date, hour: int) -> datetime:
    """Return a whole hour in Paris, not one that a DST change repeats or skips, as a UTC time."""
    return datetime.combine(day, time(hour, 0), PARIS).astimezone(UTC)


def civil_day(instant: datetime) -> date:
    """Return the civil day in Paris at an instant."""
    return instant.astimezone(PARIS).date()


def years_before(day: date, years: int) -> date:
    """Return the same date some years earlier. 29 February becomes 28 February where necessary.

    :param years: number of years to go back; forward if negative
    """
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def month_after(day: date) -> date:
    """Return the first day of the month after that of ``day``."""
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1)
