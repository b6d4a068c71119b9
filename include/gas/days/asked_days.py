"""Which gas days to ask GRDF for.

===================  ==================================================================================================
request              days
===================  ==================================================================================================
daily runs           the run's day and ``[grdf] reread_days`` before it; everything that GRDF serves, up to yesterday
                     whatever the run's day, on the first run under a right or more of it, and again after three to
                     four weeks (:func:`is_full_read_due`)
backfills            the run's day
a range of the past  the range that a person names (``past_range``)
published periods    all that GRDF serves, by the same rule (:func:`is_full_read_due`, :func:`published_window`)
===================  ==================================================================================================
"""

from __future__ import annotations

from datetime import date, timedelta
from hashlib import blake2b

from include.gas.days.gas_day import ONE_DAY
from include.gas.days.windows import Window, oldest_allowed

REREAD_DAYS = 62
"""Default of ``[grdf] reread_days``: a day may change until it is about 35 days old (ADICT 3.9), or later."""

PUBLISHED_YEARS = 5
"""How far back ADICT serves published data."""

SOONEST, SPREAD = 21, 8
"""Days between full reads: 21 to 28 by the account's id, so that accounts of one day spread out."""


def is_full_read_due(account: str, last: date | None, today: date) -> bool:
    """Return whether a run asks for everything. ``last``: date of the last full read under all its rights."""
    own = blake2b(account.encode(), digest_size=1, person=b"whole").digest()[0] % SPREAD
    return last is None or today - last >= timedelta(days=SOONEST + own)


def daily_window(run_day: date, today: date, reread: timedelta, *, whole: bool) -> Window | None:
    """Return the days that a run asks for, at most to ``today`` in Paris, before they are cut to the allowed ones."""
    oldest = oldest_allowed(today)
    if whole:
        return Window(oldest, today)
    return Window.between(max(run_day - reread, oldest), min(run_day + ONE_DAY, today))


def published_window(today: date) -> Window:
    """Return the days of published data to ask for: all that GRDF serves up to ``today`` in Paris."""
    return Window(oldest_allowed(today, PUBLISHED_YEARS), today)
