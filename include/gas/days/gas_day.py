"""Gas days: from 06:00 to 06:00 Paris time, labelled by the day they start on (``journee_gaziere``).

The bounds follow the clock on the wall, so the gas day that contains the March change lasts 23 hours and the one that
contains the October change 25. Both changes happen at night, so they belong to the Saturday's gas day.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")
START_HOUR = 6
ONE_DAY = timedelta(days=1)

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def gas_day_start(day: date) -> datetime:
    """Return the instant a gas day starts.

    :param day: label of the gas day.
    :return: 06:00 on that day, Paris time, aware.
    """
    return datetime(day.year, day.month, day.day, START_HOUR, tzinfo=PARIS)


def gas_day_of(instant: datetime) -> date:
    """Return the gas day that contains an instant.

    :param instant: an aware datetime of any zone.
    :raises ValueError: if it carries no time zone.
    """
    local = _paris(instant)
    return local.date() if local.hour >= START_HOUR else local.date() - ONE_DAY


def paris_today(now: datetime) -> date:
    """Return the civil date in Paris, which is the "today" GRDF checks dates against.

    :param now: an aware datetime of any zone.
    :raises ValueError: if it carries no time zone.
    """
    return _paris(now).date()


def parse_day(text: str) -> date:
    """Read a day written ``YYYY-MM-DD``, and nothing else.

    :param text: the day.
    :raises ValueError: with a text that quotes what was given.
    """
    if isinstance(text, str) and _DAY.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
    raise ValueError(f"{text!r:.40} is not a day; write it YYYY-MM-DD, for example 2024-03-28")


def utc_text(instant: datetime | str) -> str:
    """Write an instant as our documents do: ISO 8601, UTC, microseconds, ``Z``, so that texts sort as instants do.

    :param instant: an aware datetime, or its ISO text.
    :raises ValueError: if it carries no time zone or is no instant.
    """
    moment = datetime.fromisoformat(instant) if isinstance(instant, str) else instant
    if moment.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _paris(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return instant.astimezone(PARIS)
