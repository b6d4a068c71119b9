"""Gas days: 06:00 to 06:00 in Paris (``journee_gaziere``). The clock changes on Saturday's: 23 or 25 hours."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")
START_HOUR = 6
ONE_DAY = timedelta(days=1)
YEARS: Final = range(1990, 2101)
"""Years that a stored document can be about."""

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def gas_day_start(day: date) -> datetime:
    """Return the instant at which a gas day starts: 06:00 in Paris, aware."""
    return datetime(day.year, day.month, day.day, START_HOUR, tzinfo=PARIS)


def gas_day_of(instant: datetime) -> date:
    """Return the gas day that contains an instant; ``ValueError`` without a time zone."""
    local = _paris(instant)
    day = date(local.year, local.month, local.day)  # a plain date, also from Airflow's kind of instant
    return day if local.hour >= START_HOUR else day - ONE_DAY


def paris_today(now: datetime) -> date:
    """Return the civil date in Paris, against which GRDF checks dates; ``ValueError`` without a time zone."""
    return _paris(now).date()


def parse_day(text: str) -> date:
    """Parse a day ``YYYY-MM-DD``, no other format; ``ValueError`` quotes it."""
    if isinstance(text, str) and _DAY.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
    raise ValueError(f"{text!r:.40} is not a day; write it YYYY-MM-DD, for example 2024-03-28")


def utc_text(instant: datetime | str) -> str:
    """Return an instant as ISO 8601, UTC, microseconds, ``Z``: sortable; ``ValueError`` without a time zone."""
    moment = datetime.fromisoformat(instant) if isinstance(instant, str) else instant
    if moment.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _paris(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return instant.astimezone(PARIS)
