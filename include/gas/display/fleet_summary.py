"""What accounts have in common: how many are well, how new their days are, which are silent for long."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from include.gas.display.account_summary import AccountSummary, Group, Situation

AGES = (2, 3, 4, 5, 6, 7, 14, 30, 90)
"""Highest age in days of each class; one more class has the older ones."""


class Age(NamedTuple):
    """Accounts with newest days of one age class; ``last`` is ``None`` for those without days."""

    first: date | None
    last: date | None
    number: int


@dataclass(frozen=True, slots=True)
class Fleet:
    """The accounts together: ``silent`` from the longest on, ``ages`` by newest day, without unreadable ones."""

    total: int
    groups: Mapping[Group, Mapping[Situation, int]]
    silent: tuple[AccountSummary, ...]
    ages: tuple[Age, ...]


def summarize_fleet(overviews: Collection[AccountSummary], today: date) -> Fleet:
    """Return what some accounts have in common."""
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
