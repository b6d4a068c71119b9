"""What the accounts have in common: how many are well, how new their days are, and which have been silent for long."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from include.gas.display.account_summary import AccountSummary, Group, Situation

AGES = (2, 3, 4, 5, 6, 7, 14, 30, 90)
"""Highest age in days of each class of newest days; one more class is for all that are older."""


class Age(NamedTuple):
    """Accounts whose newest stored day is about as old.

    :param first: the oldest day of the class; ``None`` for no bound
    :param last: the newest day of the class; ``None`` for accounts that have no day
    """

    first: date | None
    last: date | None
    number: int


@dataclass(frozen=True, slots=True)
class Fleet:
    """The accounts together.

    :param total: number of accounts
    :param groups: the groups that have accounts, with the number of accounts by situation
    :param silent: those that have been silent for long, the longest first
    :param ages: the accounts by the age of their newest day, the newest first, those without a day last; without those
        whose document cannot be read
    """

    total: int
    groups: Mapping[Group, Mapping[Situation, int]]
    silent: tuple[AccountSummary, ...]
    ages: tuple[Age, ...]


def summarize_fleet(overviews: Collection[AccountSummary], today: date) -> Fleet:
    """Return what some accounts have in common.

    :param overviews: the accounts that the visitor may see
    :param today: civil date in Paris
    """
    numbers = Counter(each.situation(today) for each in overviews)
    silent = [each for each in overviews if each.is_silent_for_long(today)]
    return Fleet(
        total=len(overviews),
        groups={
            group: {what: numbers[what] for what in Situation if what.group is group and what in numbers}
            for group in Group
        },
        silent=tuple(sorted(silent, key=lambda each: (each.silent_on(today), each.id))),
        ages=_ages([each.last for each in overviews if not each.odd], today),
    )


def _ages(newest: Iterable[date | None], today: date) -> tuple[Age, ...]:
    counted = Counter(None if day is None else bisect_left(AGES, (today - day).days) for day in newest)
    newer = (0, *(age + 1 for age in AGES))
    oldest = [*(today - timedelta(days=age) for age in AGES), None]
    classes = (Age(oldest[at], today - timedelta(days=age), counted[at]) for at, age in enumerate(newer))
    return (*classes, Age(None, None, counted[None]))
