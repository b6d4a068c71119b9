"""Which gas days to ask GRDF for: one rule for each kind of request.

===================  ==================================================================================================
request              days
===================  ==================================================================================================
daily runs           the run's day and ``[grdf] reread_days`` before it; everything that GRDF serves on the first run
                     under a right or more of it, and again after three to four weeks (:func:`is_full_read_due`)
backfills            the run's day
a range of the past  the range that a person names (``past_range``)
published periods    all that GRDF serves, by the same rule (:func:`is_full_read_due`, :func:`published_window`)
===================  ==================================================================================================

So whatever was late, corrected, missing, restored or removed comes by itself, in the one call that a run makes anyway.
"""

from __future__ import annotations

from datetime import date, timedelta
from hashlib import blake2b

from include.gas.days.gas_day import ONE_DAY
from include.gas.days.windows import Window, oldest_allowed

REREAD_DAYS = 62
"""Default of ``[grdf] reread_days``: two months.

GRDF makes the days of month M-1 definitive two to three days after it publishes that month (ADICT 3.9), so a day may
change until it is about 35 days old. Two months leave room for a late publication. They cost nothing, because a run
makes one call anyway.
"""

PUBLISHED_YEARS = 5
"""How far back ADICT serves published data."""

SOONEST, SPREAD = 21, 8
"""After how many days everything is asked for again: 21 to 28, by the account's id, so that accounts that came on the
same day do not all do it on the same morning for ever."""


def is_full_read_due(account: str, last: date | None, today: date) -> bool:
    """Return whether a run asks for everything that it may ask for.

    A run that failed on that day is made up for by the next one, since the day of the last success counts.

    :param account: the account's id
    :param last: when everything was read last under all its rights to the meter; ``None`` if it was not
    :param today: civil date in Paris
    """
    own = blake2b(account.encode(), digest_size=1, person=b"whole").digest()[0] % SPREAD
    return last is None or today - last >= timedelta(days=SOONEST + own)


def daily_window(run_day: date, today: date, reread: timedelta, *, whole: bool) -> Window | None:
    """Return the days that a run asks for in its one call, before they are cut to what the account may hold.

    :param run_day: the gas day that the run is about
    :param today: civil date in Paris; GRDF refuses an end after it
    :param reread: how far back to ask for days again, because GRDF publishes late and corrects what it published
    :param whole: whether to ask for everything
    :return: ``None`` if there is nothing left to ask for
    """
    oldest = oldest_allowed(today)
    return Window.between(oldest if whole else max(run_day - reread, oldest), min(run_day + ONE_DAY, today))


def published_window(today: date) -> Window:
    """Return the days to ask published data for, in one call: all that GRDF serves.

    :param today: civil date in Paris; GRDF refuses an end after it
    """
    return Window(oldest_allowed(today, PUBLISHED_YEARS), today)
