"""Missing days: gas days covered by the consent that are not stored, by meter and calendar year.

A missing day may still come: GRDF publishes late, and every run asks again for the days of the re-read window. Daily
runs ask for a missing day, however old, until it was asked for once at an age at which its month is published.

One answer without the day proves little, because GRDF's platforms fail for days and a first answer may be incomplete.
So we only conclude that GRDF has no data for a day after two whole answers without it, at least four weeks apart: there
is a monthly publication between them. Daily runs ask for the day on the Monday after the first of these answers, in
case of a temporary failure, and again when the four weeks are over. They do so in the call that they make anyway. In
between they do not go back that far.

A missing day is never stored as 0.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from include.gas.days.asked_days import Reread
from include.gas.days.gas_day import ONE_DAY
from include.gas.days.windows import Window, oldest_allowed

PUBLISHED_WITHIN = timedelta(days=3)
"""A gas day younger than this is not missing yet, because rows arrive from D+1 to D+3 (ADICT 3.9)."""

APART = timedelta(days=28)
"""Minimum time between the two answers that settle a missing day. A monthly publication always falls within it."""

WEEK = 7


@dataclass(frozen=True, slots=True)
class Gap:
    """The missing days of one meter in one year.

    :param first: first missing day
    :param last: last missing day
    :param awaited: number of missing days that may still come
    :param none: number of missing days for which GRDF has no data, or that it does not serve any more
    :param awaited_from: first missing day that may still come; ``None`` if there is none
    :param ask_from: first missing day not yet asked for at an age at which it is published; ``None`` if there is none
    :param none_days: the missing days for which GRDF has no data, as runs
    :param once: the missing days that were absent from one answer, as runs. Each has the day from which the four weeks
        count: the Sunday that ends the week of that answer, so that there is one note per week
    """

    first: date
    last: date
    awaited: int
    none: int
    awaited_from: date | None = None
    ask_from: date | None = None
    none_days: tuple[Window, ...] = ()
    once: tuple[tuple[date, Window], ...] = ()

    def is_none(self, day: date) -> bool:
        """Return whether GRDF has no data for a gas day."""
        return any(day in run for run in self.none_days)

    def due_from(self, today: date) -> date | None:
        """Return the first missing day that today's run must ask for; ``None`` if there is none."""
        due = [run.first for since, run in self.once if _is_due(since, today)]
        return min((*due, *((self.ask_from,) if self.ask_from else ())), default=None)


def gaps_of(
    *,
    first: date,
    end: date,
    stored: Collection[date],
    years: Collection[int],
    reread: Reread,
    asked: Window | None,
    before: Mapping[int, Gap],
    today: date,
    consent_end: date | None = None,
    covered: Callable[[Window], Iterable[Window]] | None = None,
) -> dict[int, Gap]:
    """Return the missing days of some years.

    :param first: first gas day that was ever asked for under the consent
    :param end: gas day at which the newest request ended, excluded
    :param stored: the stored gas days of these years
    :param years: the years whose stored days are all known
    :param reread: how far back runs ask again; a day older than this at the time of the request is published
    :param asked: the requested days of the answer that was just stored. ``None`` if there was none, or if it settles
        nothing because some of it could not be read, so that a missing day may be among the unreadable lines
    :param before: what was known of these years before
    :param today: civil date in Paris when the answer was read
    :param consent_end: first gas day after the consent; ``None`` for no bound
    :param covered: returns the parts of a window that the consent covers; needed if its rights have days between them
    :return: missing days by year; years without any are left out
    """
    have = set(stored)
    last = end - PUBLISHED_WITHIN - ONE_DAY
    if consent_end is not None:
        last = min(last, consent_end - ONE_DAY)
    missing: dict[int, list[date]] = defaultdict(list)
    whole = Window.of(first, last + ONE_DAY)
    for window in (covered(whole) if covered else (whole,)) if whole else ():
        for day in window.days():
            if day.year in years and day not in have:
                missing[day.year].append(day)
    answered = (asked and reread.beyond(asked, end)) or ()
    return {year: _gap(days, before.get(year), answered, today) for year, days in missing.items()}


def _gap(days: list[date], before: Gap | None, answered: Window | tuple[()], today: date) -> Gap:
    known = {day for run in before.none_days for day in run.days()} if before else set()
    since = {day: at for at, run in before.once for day in run.days()} if before else {}
    oldest = oldest_allowed(today)
    none: list[date] = []
    once: dict[date, date] = {}
    unasked: list[date] = []
    for day in days:
        noted = since.get(day)
        if day in known or day < oldest or (day in answered and noted is not None and today >= noted + APART):
            none.append(day)
        elif noted is not None or day in answered:
            once[day] = noted or _sunday(today)
        else:
            unasked.append(day)
    awaited = sorted([*once, *unasked])
    return Gap(
        days[0],
        days[-1],
        len(awaited),
        len(none),
        awaited_from=awaited[0] if awaited else None,
        ask_from=unasked[0] if unasked else None,
        none_days=_runs(none),
        once=tuple((at, run) for at in sorted(set(once.values())) for run in _runs(d for d in once if once[d] == at)),
    )


def _sunday(day: date) -> date:
    """Return the Sunday that ends a day's week. One note per week keeps the number of notes small."""
    return day + timedelta(days=-day.toordinal() % WEEK)


def _is_due(since: date, today: date) -> bool:
    return today == since + ONE_DAY or today >= since + APART


def _runs(days: Iterable[date]) -> tuple[Window, ...]:
    """Join sorted days into runs of consecutive days."""
    found = [[day for _, day in run] for _, run in groupby(enumerate(days), lambda each: each[1].toordinal() - each[0])]
    return tuple(Window(run[0], run[-1] + ONE_DAY) for run in found)
