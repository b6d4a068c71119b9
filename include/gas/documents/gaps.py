"""Missing days: gas days inside the consent for which nothing is stored, known per meter and calendar year.

A day that is missing may still come: GRDF publishes late, and every run asks again for the days of the re-read window.
Until a day was asked for at an age at which its month is published, daily runs ask for it, however old it has become.

One answer that does not hold it proves little: GRDF's platforms fail for days, and a first answer may be short. So GRDF
has none only once two whole answers did not hold the day, four weeks or more apart: a monthly publication lies between
them. Daily runs ask for it on the Monday after the first of them, in case that was a passing fault, and then when the
four weeks are over, in the call that they make anyway. In between they do not reach back to it.

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
"""Gas days younger than this are not missing yet: rows arrive from D+1 to D+3 (ADICT 3.9)."""

APART = timedelta(days=28)
"""Between the two answers that settle a missing day, at the least. Each month is published once within it."""

WEEK = 7


@dataclass(frozen=True, slots=True)
class Gap:
    """The missing days of one meter in one year.

    :param first: the first of them
    :param last: the last of them
    :param awaited: how many may still come
    :param none: how many GRDF has none for, or serves no more
    :param awaited_from: the first that may still come; None when none may
    :param ask_from: the first that was not asked for at its age yet; None when there is none
    :param none_days: those that GRDF has none for, in runs
    :param once: those that one answer did not hold, in runs, each with the day from which the four weeks count: the
        Sunday that ends the week of that answer, so that the days of a week make one note
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
        """Return whether GRDF has none for a day.

        :param day: the gas day
        """
        return any(day in run for run in self.none_days)

    def due_from(self, today: date) -> date | None:
        """Return the first day that a run of today is to ask for.

        :param today: civil date in Paris
        """
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
    """Find the missing days of some years.

    :param first: first gas day that was ever asked for under the consent
    :param end: gas day at which the newest question ended, excluded
    :param stored: the gas days of those years that are stored
    :param years: the years whose stored days are all known
    :param reread: how far back runs ask again; what is older when it is asked for is published
    :param asked: the days of the answer that was just stored; None when there is none, or when a missing day may be one
        that GRDF sent and we could not read, so that the answer settles nothing
    :param before: what was known of those years
    :param today: civil date in Paris when that answer was read
    :param consent_end: gas day from which the consent covers nothing, None for no bound
    :param covered: cuts a window down to the days that the consent covers, where it has rights with days between them
    :return: year to gap; a year without missing days is left out
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
        if noted is not None and noted > _sunday(today):
            noted = None  # by a clock that was ahead
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
    """Return the Sunday that ends a day's week: what was asked for in one week has one note, and few stand at once."""
    return day + timedelta(days=-day.toordinal() % WEEK)


def _is_due(since: date, today: date) -> bool:
    return today == since + ONE_DAY or today >= since + APART or since > _sunday(today)


def _runs(days: Iterable[date]) -> tuple[Window, ...]:
    """Join days, in their order, to runs without a hole."""
    found = [[day for _, day in run] for _, run in groupby(enumerate(days), lambda each: each[1].toordinal() - each[0])]
    return tuple(Window(run[0], run[-1] + ONE_DAY) for run in found)
