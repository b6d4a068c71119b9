"""When a meter's gas days and billing periods are late, by how often GRDF reads it (ADICT 3.3 and 3.9).

=========  ========================================================  =================  =====================
frequency  what comes, and when                                      its newest day is  its newest period is
                                                                     late after         late after
=========  ========================================================  =================  =====================
``1M``     each day one to three days later; a period a month        5 days             80 days
``MM``     the days of a month from the 10th to the 20th of the      55 days            80 days
           next one; a period a month
``6M``     no days; a period in half a year                          never              240 days
``JJ``     no days; each day a period, one to two days later         never              40 days
another    as ``1M``, until GRDF says how often                      5 days             80 days
=========  ========================================================  =================  =====================

The age of a day or period counts from its last gas day. A newest day may be 4 days old, or 51 (31 July on 20
September).
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

PUBLISHED_WITHIN = timedelta(days=3)
"""A younger gas day is not missing: rows arrive from D+1 to D+3."""
MONTH_BY = 20
"""Day of the month by which the previous month's days arrive, where they come by the month."""


class _Row(NamedTuple):
    days: int | None
    periods: int


_BY_FREQUENCY = {"1M": _Row(5, 80), "MM": _Row(55, 80), "6M": _Row(None, 240), "JJ": _Row(None, 40)}


def silent_after(frequency: str) -> int | None:
    """Return after how many days a meter is silent; ``None`` without daily data. ``frequency`` is GRDF's, or ``""``."""
    return _BY_FREQUENCY.get(frequency, _BY_FREQUENCY["1M"]).days


def period_late_after(frequency: str) -> int:
    """Return how old, in days, the end of a meter's newest billing period may be before GRDF is late."""
    return _BY_FREQUENCY.get(frequency, _BY_FREQUENCY["1M"]).periods


def due_until(frequency: str, today: date) -> date:
    """Return the first gas day that need not be published yet on ``today`` in Paris."""
    if frequency != "MM":
        return today - PUBLISHED_WITHIN
    this_month = today.replace(day=1)
    return this_month if today.day > MONTH_BY else (this_month - timedelta(days=1)).replace(day=1)
