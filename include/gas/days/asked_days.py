"""Which gas days to ask GRDF for: one rule for each kind of request.

===================  ==================================================  ===============================================
request              rule                                                re-read window
===================  ==================================================  ===============================================
daily runs           :func:`daily_window`                                ``[grdf] reread_days``
their missing days   :func:`include.gas.documents.gaps.gaps_of`          the same
a range of the past  :func:`askable`                                     none: a person names the days
published periods    :func:`published_window`                            none: all five years are read once a month
contract, frequency  :mod:`include.gas.account.turns`                    none: they have no days; read once a month
===================  ==================================================  ===============================================
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from include.gas.days.gas_day import ONE_DAY
from include.gas.days.windows import HISTORY_YEARS, Window, oldest_allowed


@dataclass(frozen=True, slots=True)
class Reread:
    """How far back to ask for days again, because GRDF publishes late and corrects what it published.

    :param days: number of gas days, 0 or more
    """

    days: int

    def back_from(self, day: date) -> date:
        """Return the first day to ask for when ``day`` is wanted.

        :param day: a gas day, or the end of a window
        """
        return day - timedelta(days=self.days)

    def beyond(self, asked: Window, end: date) -> Window | None:
        """Return the part of ``asked`` that the next runs will not ask for again.

        :param asked: the days that were asked for
        :param end: gas day at which the newest request ended, excluded
        """
        return asked.clip(None, self.back_from(end))


REREAD_DAYS = 62
"""Default of ``[grdf] reread_days``: two months.

GRDF makes the days of month M-1 definitive two to three days after it publishes that month (ADICT 3.9), so a day may
change until it is about 35 days old. Two months leave room for a late publication. They cost nothing, because a run
makes one call anyway.
"""

PUBLISHED_YEARS = 5
"""How far back ADICT serves published data."""


def daily_window(
    *,
    run_day: date,
    last_stored: date | None,
    history_read: bool,
    reread: Reread,
    today: date,
    consent_first: date | None,
    consent_end: date | None,
    awaited_from: date | None = None,
) -> Window | None:
    """Return the days that a daily run asks for in its one call.

    ==============================  =======================================  ===============
    situation                       first day                                end (excluded)
    ==============================  =======================================  ===============
    history of this consent unread  the oldest day GRDF serves               run_day + 1
    nothing missing                 reread.back_from(run_day)                run_day + 1
    days missing since last_stored  reread.back_from(last_stored + 1)        run_day + 1
    a past day run again            reread.back_from(run_day)                run_day + 1
    an older day is still awaited   that day                                 run_day + 1
    history read, nothing stored    the oldest day GRDF serves               run_day + 1
    ==============================  =======================================  ===============

    The result is then cut to the consent, to what GRDF serves, and to days before today.

    :param run_day: the gas day that the run is about
    :param last_stored: newest gas day stored for the meter; ``None`` if there is none
    :param history_read: whether the whole history was read under the present consent
    :param reread: how far before the first missing day to read again
    :param today: civil date in Paris; GRDF refuses an end after it
    :param consent_first: first gas day that the consent covers; ``None`` for no bound
    :param consent_end: first gas day after the consent; ``None`` for no bound
    :param awaited_from: first missing day that may still come, or ``None``. It counts even when a newer day is stored,
        which a person may have requested
    :return: ``None`` when there is nothing left to ask for
    """
    oldest = oldest_allowed(today)
    if not history_read or last_stored is None:  # when nothing has come yet, everything may come at once
        first = oldest
    else:
        first = reread.back_from(min(run_day, last_stored + ONE_DAY))
        first = first if awaited_from is None else min(first, awaited_from)
    end = min(run_day + ONE_DAY, today)
    if consent_first is not None:
        first = max(first, consent_first)
    if consent_end is not None:
        end = min(end, consent_end)
    return Window.of(max(first, oldest), end)


@dataclass(frozen=True, slots=True)
class Askable:
    """The part of a range that GRDF can be asked for, for one meter.

    :param window: the days to ask for; ``None`` when there are none
    :param reasons: why days were left out, in words; empty when none were
    """

    window: Window | None
    reasons: tuple[str, ...] = ()


def askable(asked: Window, *, today: date, consent_first: date | None, consent_end: date | None) -> Askable:
    """Return the part of a range that GRDF can be asked for.

    :param asked: the range that a person wants
    :param consent_first: first gas day that the consent covers; ``None`` for no bound
    :param consent_end: first gas day after the consent; ``None`` for no bound
    """
    oldest = oldest_allowed(today)
    reasons: list[str] = []
    if asked.first < oldest:
        reasons.append(f"GRDF keeps {HISTORY_YEARS} years of daily data: days before {oldest} are left out")
    if asked.end > today:
        reasons.append(f"days from {today} on are not over yet and are left out")
    if consent_first is not None and asked.first < consent_first and consent_first > oldest:
        reasons.append(f"the household's consent starts with {consent_first}: earlier days are left out")
    if consent_end is not None and asked.end > consent_end and consent_end < today:
        reasons.append(f"the household's consent ends before {consent_end}: later days are left out")
    window = asked.clip(oldest, today)
    window = window.clip(consent_first, consent_end) if window else None
    return Askable(window, tuple(reasons))


def published_window(today: date) -> Window:
    """Return the days to ask published data for, in one call: all that GRDF serves.

    :param today: civil date in Paris; GRDF refuses an end after it
    """
    return Window(oldest_allowed(today, PUBLISHED_YEARS), today)
