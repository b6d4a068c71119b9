"""The newest gas days of a meter, one by one, as its account document tells them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import NamedTuple

from include.gas.account.sections.status import Reading
from include.gas.days.asked_days import REREAD_DAYS
from include.gas.days.gas_day import ONE_DAY
from include.gas.days.lateness import due_until, silent_after
from include.gas.days.windows import Window
from include.gas.documents.year_counts import ABSENT, RECENT, StoredYear
from include.gas.rights.meter_rights import Held

OUTSIDE = "."
"""Letter of a day that need not be stored, because no right covers it."""
FARTHEST = 3653
"""How many such days are told after the newest stored one, ten years: a document may say any year, also 9999."""


@dataclass(frozen=True, slots=True)
class RecentDays:
    """What is stored of a meter's newest gas days.

    :param first: ordinal of the day of the first letter
    :param letters: one letter per day, see :mod:`include.gas.documents.year_counts` and :data:`OUTSIDE`, up to the
        newest stored day, or to where the right begins that covers the next one
    :param until: ordinal of the last day that should be stored; ``None`` for no end
    :param since: the oldest day that was asked for or is stored; ``None`` if there is none
    :param covered: the days that the account may hold
    :param years: how many days are stored, by year
    :param frequency: how often GRDF reads the meter; ``""`` if it is not known
    """

    first: int
    letters: str
    until: int | None = None
    since: date | None = None
    covered: tuple[Window, ...] = ()
    years: tuple[tuple[int, int], ...] = ()
    frequency: str = ""

    def missing(self, today: date) -> Missing:
        """Return how many published days are not stored: the calendar minus the store.

        :param today: civil date in Paris
        """
        if silent_after(self.frequency) is None:
            return Missing(0, 0)
        lately, end, stored = today - timedelta(days=REREAD_DAYS), due_until(self.frequency, today), dict(self.years)
        before = 0
        for year in range((self.since or today).year, lately.year + 1):  # more than is due in one hides no other's
            first, stop = date(year, 1, 1), min(date(year + 1, 1, 1), lately)
            fresh = self._stored(max(lately, first), date(year + 1, 1, 1))
            before += max(self._due(first, stop) - (stored.get(year, 0) - fresh), 0)
        return Missing(max(self._due(lately, end) - self._stored(lately, end), 0), before)

    def _due(self, first: date, end: date) -> int:
        if self.until is not None:
            end = date.fromordinal(max(min(end.toordinal(), self.until + 1), 1))
        window = Window.of(max(first, self.since or date.max), end)
        return sum(len(part) for each in self.covered if window and (part := window.clip(each.first, each.end)))

    def _stored(self, first: date, end: date) -> int:
        begin, stop = (max(day.toordinal() - self.first, 0) for day in (first, end))
        letters = self.letters[begin:stop]
        return len(letters) - letters.count(ABSENT) - letters.count(OUTSIDE)


class Missing(NamedTuple):
    """How many days of a meter are missing: of the last two months, which may still come, and of before."""

    lately: int
    before: int


def recent_days(held: Held, reading: Reading, frequency: str, *, is_read: bool) -> RecentDays:
    """Return a meter's newest days.

    :param held: what the account has of the meter
    :param reading: what was read of it
    :param frequency: how often GRDF reads it; ``""`` if it is not known
    :param is_read: whether it is read at present; if not, no day after the newest stored one is expected
    """
    years = reading.by_year()
    found = _letters_of(held, years, reading.since, is_read=is_read)
    since = min((day for day in (reading.since, *(year.first for year in years.values())) if day), default=None)
    stored = tuple((year, each.days) for year, each in years.items())
    return replace(found, since=since, covered=held.days, years=stored, frequency=frequency)


def _letters_of(held: Held, years: Mapping[int, StoredYear], asked_from: date | None, *, is_read: bool) -> RecentDays:
    until = held.closes.toordinal() - 1 if held.closes and is_read else None
    if not years:
        if asked_from is None:
            return RecentDays(0, "", -1)
        return RecentDays(asked_from.toordinal(), "", until if is_read else asked_from.toordinal() - 1)
    newest = max(years.values(), key=lambda year: year.last)
    last, letters = newest.last, _letters(years, newest)
    begin = min(day for day in (asked_from, *(year.first for year in years.values())) if day)
    letters = letters.rjust(min((last - begin).days + 1, RECENT), ABSENT)
    first = last - timedelta(days=len(letters) - 1)
    if ABSENT in letters:
        letters = _with_outside(letters, first, held)
    following = next((max(part.first, last + ONE_DAY) for part in held.days if part.end > last + ONE_DAY), None)
    if is_read and following:  # another right may begin long after the one before
        letters += OUTSIDE * min((following - last - ONE_DAY).days, FARTHEST)
    return RecentDays(first.toordinal(), letters, until if is_read else last.toordinal())


def _letters(years: Mapping[int, StoredYear], newest: StoredYear) -> str:
    former = years.get(newest.last.year - 1)
    if former is None:
        return newest.letters()
    between = min((newest.first - former.last).days - 1, RECENT)
    return (former.letters() + ABSENT * between + newest.letters())[-RECENT:]


def _with_outside(letters: str, first: date, held: Held) -> str:
    """Return the letters with those days marked that no right covers."""
    window = Window(first, first + len(letters) * ONE_DAY)
    covered = {day for part in held.covered(window) for day in part.days()}
    days = zip(window.days(), letters, strict=True)
    return "".join(OUTSIDE if letter == ABSENT and day not in covered else letter for day, letter in days)
