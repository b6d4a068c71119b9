"""What the accounts have in common: how many are well, how new their days are, and what needs a person."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from include.gas.days.lateness import due_until
from include.gas.display.overview import Group, Overview, Situation
from include.gas.display.recent_days import RecentDays
from include.gas.documents.year_counts import ABSENT, CORRECTED, STORED

DAYS = 60
"""Number of gas days that are shown."""
NEWEST = timedelta(days=2)
"""Age of the newest gas day that a run asks for, and so of the newest one shown."""
NAMED = 3
"""How many accounts are named of those that need a person for the same reason."""
AGES = (2, 3, 4, 5, 6, 7, 14, 30, 90)
"""Highest age in days of each class of newest days; one more class is for all that are older."""
EXPECTED = "e"
"""Letter of a day that may still be published."""


class Need(NamedTuple):
    """Accounts that need a person for the same reason: how many, and the ids of some of them, in order."""

    situation: Situation
    number: int
    accounts: tuple[str, ...]


class Age(NamedTuple):
    """Accounts whose newest stored day is about as old.

    :param first: the oldest day of the class; ``None`` for no bound
    :param last: the newest day of the class; ``None`` for accounts that have no day
    """

    first: date | None
    last: date | None
    number: int


class DayCount(NamedTuple):
    """One gas day: of how many meters it is stored as it first came, stored and corrected, missing, or may still come.

    :param missing: number of meters for which it should be stored and is not
    :param expected: number of meters for which it is not stored and may not be published yet
    """

    day: date
    stored: int
    corrected: int
    missing: int
    expected: int


@dataclass(frozen=True, slots=True)
class Fleet:
    """The accounts together.

    :param total: number of accounts
    :param groups: the groups that have accounts, with the number of accounts by situation
    :param needs: what needs a person, the most urgent first
    :param ages: the accounts by the age of their newest day, the newest first, those without a day last; without those
        whose document cannot be read
    :param days: the last gas days, the oldest first
    :param meters: number of meters whose days are counted
    """

    total: int
    groups: Mapping[Group, Mapping[Situation, int]]
    needs: tuple[Need, ...]
    ages: tuple[Age, ...]
    days: tuple[DayCount, ...]
    meters: int


def fleet(overviews: Collection[Overview], today: date) -> Fleet:
    """Return what some accounts have in common.

    :param overviews: the accounts that the visitor may see
    :param today: civil date in Paris
    """
    held: dict[Situation, list[str]] = {situation: [] for situation in Situation}
    for each in overviews:
        held[each.situation(today)].append(each.id)
    held = {situation: sorted(accounts) for situation, accounts in held.items() if accounts}
    told = [each for account in overviews for each in account.recent]
    return Fleet(
        total=len(overviews),
        groups={group: {what: len(held[what]) for what in held if what.group is group} for group in Group},
        needs=tuple(
            Need(what, len(accounts), tuple(accounts[:NAMED])) for what, accounts in held.items() if what.needs_person
        ),
        ages=_ages([each.last for each in overviews if not each.odd], today),
        days=day_counts(told, today),
        meters=len(told),
    )


def _ages(newest: Iterable[date | None], today: date) -> tuple[Age, ...]:
    counted = Counter(None if day is None else bisect_left(AGES, (today - day).days) for day in newest)
    newer = (0, *(age + 1 for age in AGES))
    oldest = [*(today - timedelta(days=age) for age in AGES), None]
    classes = (Age(oldest[at], today - timedelta(days=age), counted[at]) for at, age in enumerate(newer))
    return (*classes, Age(None, None, counted[None]))


def day_counts(meters: Sequence[RecentDays], today: date) -> tuple[DayCount, ...]:
    """Return the last gas days of some meters, the oldest first.

    All meters' letters are joined into one text of lines of equal length, so that a day is a column of it: counting is
    then a matter of milliseconds for thousands of meters.

    :param today: civil date in Paris
    """
    hi = today - NEWEST
    lo = hi.toordinal() - DAYS + 1
    text = "".join(_line(meter, lo, today) for meter in meters)
    counts = []
    for at in range(DAYS):
        day, column = date.fromordinal(lo + at), text[at::DAYS]
        counts.append(DayCount(day, *(column.count(letter) for letter in (STORED, CORRECTED, ABSENT, EXPECTED))))
    return tuple(counts)


def _line(meter: RecentDays, lo: int, today: date) -> str:
    """Return a meter's letters for the days shown, with a blank for each day that need not be stored."""
    end = lo + DAYS
    until = end if meter.until is None else min(end, meter.until + 1)
    letters = meter.letters + ABSENT * (until - meter.first - len(meter.letters))
    shown = letters[lo - meter.first :] if meter.first < lo else " " * (meter.first - lo) + letters
    due = max(due_until(meter.frequency, today).toordinal() - lo, 0)
    return (shown[:due] + shown[due:DAYS].replace(ABSENT, EXPECTED))[:DAYS].ljust(DAYS)
