"""Moments that a clock which was ahead has written: they count as now, so that they hold nothing up until they come."""

from __future__ import annotations

from datetime import datetime, timedelta

from include.gas.days.gas_day import utc_text

TOLERANCE = timedelta(minutes=10)
"""By how much two machines' clocks may differ and both be believed."""


def is_ahead(moment: datetime | str, now: datetime) -> bool:
    """Return whether a moment lies in the future, further than clocks differ: nobody can have written it then.

    :param moment: aware, or its ISO text.
    :param now: the present, aware.
    """
    return utc_text(moment) > utc_text(now + TOLERANCE)


def not_ahead(moment: datetime | str, now: datetime) -> datetime | str:
    """Return a moment, or the present where it lies in the future.

    :param moment: aware, or its ISO text.
    :param now: the present, aware.
    """
    return now if is_ahead(moment, now) else moment
