"""Gas days and civil days in Paris, independent of ``include.gas``, whose mistakes it must not share."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")
_SIX = time(6, 0)


@lru_cache(maxsize=8192)
def six_o_clock(day: date) -> str:
    """Return 06:00 Paris time on ``day`` as ISO text with its offset."""
    return datetime.combine(day, _SIX, PARIS).isoformat()


def at_hour(day: date, hour: int) -> datetime:
    """Return a whole hour in Paris, unaffected by a clock change, as UTC time."""
    return datetime.combine(day, time(hour, 0), PARIS).astimezone(UTC)


def civil_day(instant: datetime) -> date:
    """Return the civil day in Paris at an instant."""
    return instant.astimezone(PARIS).date()


def years_before(day: date, years: int) -> date:
    """Return the same date some years earlier (or later); 29 February may become 28 February."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def month_after(day: date) -> date:
    """Return the first day of the month after that of ``day``."""
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1)
