"""Which gas days of a meter are missing: the calendar minus the store, as its account document tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from include.gas.account.sections.status import Reading
from include.gas.days.asked_days import REREAD_DAYS
from include.gas.days.gas_day import ONE_DAY
from include.gas.days.lateness import due_until, silent_after
from include.gas.days.windows import Window
from include.gas.documents.year_counts import ABSENT, RECENT, StoredYear
from include.gas.rights.meter_rights import Held


class Missing(NamedTuple):
    """How many days of a meter are missing: of the last two months, which may still come, and of before."""

    lately: int
    before: int


@dataclass(frozen=True, slots=True)
class RecentDays:
    """What is stored of a meter's gas days.

    :param last: the newest stored day; ``None`` if there is none
    :param letters: one letter per day, up to that one, see :mod:`include.gas.documents.year_counts`
    :param end: the first day that need not be stored; ``None`` for no end
    :param since: the oldest day that was asked for or is stored; ``None`` if there is none
    :param covered: the days that the account may hold
    :param years: how many days are stored, by year
    :param frequency: how often GRDF reads the meter; ``""`` if it is not known
    """

    last: date | None = None
    letters: str = ""
    end: date | None = None
    since: date | None = None
    covered: tuple[Window, ...] = ()
    years: tuple[tuple[int, int], ...] = ()
    frequency: str = ""

    def missing(self, today: date) -> Missing:
        """Return how many published days are not stored.

        :param today: civil date in Paris
        """
        if silent_after(self.frequency) is None:
            return Missing(0, 0)
        lately, end, stored = today - timedelta(days=REREAD_DAYS), due_until(self.frequency, today), dict(self.years)
        before = 0
        for year in range((self.since or today).year, lately.year + 1):  # more than is due in one hides no other's
            first, stop = date(year, 1, 1), min(date(year + 1, 1, 1), lately)
            fresh = self._stored(max(lately, first), date(year + 1, 1, 1)) if year >= lately.year else 0
            before += max(self._due(first, stop) - (stored.get(year, 0) - fresh), 0)
        return Missing(max(self._due(lately, end) - self._stored(lately, end), 0), before)

    def _due(self, first: date, end: date) -> int:
        begin, stop = max(first, self.since or date.max), min(end, self.end or end)
        return sum(max((min(stop, each.end) - max(begin, each.first)).days, 0) for each in self.covered)

    def _stored(self, first: date, end: date) -> int:
        """Return how many of the days that the letters tell are stored."""
        begin = self.last.toordinal() + 1 - len(self.letters) if self.last else 0
        letters = self.letters[max(first.toordinal() - begin, 0) : max(end.toordinal() - begin, 0)]
        return len(letters) - letters.count(ABSENT)


def recent_days(held: Held, reading: Reading, frequency: str, *, is_read: bool) -> RecentDays:
    """Return a meter's newest days.

    :param held: what the account has of the meter
    :param reading: what was read of it
    :param frequency: how often GRDF reads it; ``""`` if it is not known
    :param is_read: whether it is read at present; if not, no day after the newest stored one is expected
    """
    years = reading.by_year()
    newest = max(years.values(), key=lambda year: year.last, default=None)
    last, letters = (newest.last, _letters(years, newest)) if newest else (None, "")
    since = min((day for day in (reading.since, *(year.first for year in years.values())) if day), default=None)
    end = held.closes if is_read else last + ONE_DAY if last and last < date.max else since
    stored = tuple((year, each.days) for year, each in years.items())
    return RecentDays(last, letters, end, since, held.days, stored, frequency)


def _letters(years: Mapping[int, StoredYear], newest: StoredYear) -> str:
    former = years.get(newest.last.year - 1)
    if former is None:
        return newest.letters()
    between = min((newest.first - former.last).days - 1, RECENT)
    return (former.letters() + ABSENT * between + newest.letters())[-RECENT:]
