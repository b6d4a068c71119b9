"""Clocks that are wrong: a moment of one that was ahead counts as now, so that nothing waits until it is over."""

from __future__ import annotations

from datetime import datetime, timedelta

from include.gas.days.gas_day import utc_text

TOLERANCE = timedelta(minutes=10)
"""The largest difference between two machines' clocks that we accept."""

APART = timedelta(days=1)
"""The largest difference of two clocks with which one of them may still decide that something's time is over."""


def agree(one: datetime, other: datetime) -> bool:
    """Return whether two clocks tell the same time, or nearly, see :data:`APART`.

    :param one: what the one says, aware
    :param other: what the other says, aware
    """
    return abs(one - other) <= APART


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
