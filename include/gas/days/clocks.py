"""Moments written by a clock that was ahead. They count as now, so that nothing waits until they have passed."""

from __future__ import annotations

from datetime import datetime, timedelta

from include.gas.days.gas_day import utc_text

TOLERANCE = timedelta(minutes=10)
"""The largest difference between two machines' clocks that we accept."""


def is_ahead(moment: datetime | str, now: datetime) -> bool:
    """Return whether a moment is more than :data:`TOLERANCE` in the future, so that a wrong clock must have written it.

    :param moment: an aware datetime, or its ISO text
    :param now: an aware datetime
    """
    return utc_text(moment) > utc_text(now + TOLERANCE)


def not_ahead(moment: datetime | str, now: datetime) -> datetime | str:
    """Return a moment, or ``now`` if it is ahead.

    :param moment: an aware datetime, or its ISO text
    :param now: an aware datetime
    """
    return now if is_ahead(moment, now) else moment
