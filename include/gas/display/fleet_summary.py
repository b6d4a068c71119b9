"""What accounts have in common: how many are well, how new their days are, which are silent for long."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from include.gas.account.freshness import ABSENT, USUAL_PART, reach
from include.gas.days.gas_day import ONE_DAY
from include.gas.display.account_summary import AccountSummary, Group, Situation

AGES = (2, 3, 4, 5, 6, 7, 14, 30, 90)
"""Highest age in days of each class; one more class has the older ones."""
DELAYS_SHOWN = 31
"""Gas days of the chart of delays."""


class Age(NamedTuple):
    """Accounts with newest days of one age class; ``last`` is ``None`` for those without days."""

    first: date | None
    last: date | None
    number: int


class DayDelay(NamedTuple):
    """How many days later meters' days of one gas day were read: for half, and for 95 % of the meters."""

    day: date
    median: int
    most: int
    meters: int


@dataclass(frozen=True, slots=True)
class Fleet:
    """The accounts together: ``silent`` from the longest on, ``ages`` by newest day, without unreadable ones."""

    total: int
    groups: Mapping[Group, Mapping[Situation, int]]
    silent: tuple[AccountSummary, ...]
    ages: tuple[Age, ...]
    delays: tuple[DayDelay, ...]


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
        delays=find_delays(overviews, today),
    )


def find_delays(overviews: Iterable[AccountSummary], today: date) -> tuple[DayDelay, ...]:
    """Return how late the gas days of the last month were read, as far as any was."""
    by_newest = defaultdict[date | None, list[str]](list)
    for meter in (meter for account in overviews for meter in account.days_of_meters):
        if meter.billing.frequency == "MM":  # its days come by the month
            continue
        by_newest[meter.freshness.newest].append(meter.freshness.delays[-DELAYS_SHOWN:].rjust(DELAYS_SHOWN, ABSENT))
    by_day = defaultdict[date, Counter[str]](Counter)
    for newest, delays in by_newest.items():
        for age, digits in enumerate(zip(*(each[::-1] for each in delays), strict=True)):
            if newest:
                by_day[newest - ONE_DAY * age].update(digits)
    return tuple(
        DayDelay(day, reach(delays, 0.5), reach(delays, USUAL_PART), meters)
        for day, delays in sorted(by_day.items())
        if day >= today - ONE_DAY * DELAYS_SHOWN and (meters := delays.total() - delays[ABSENT])
    )


def _ages(newest: Iterable[date | None], today: date) -> tuple[Age, ...]:
    counted = Counter(None if day is None else bisect_left(AGES, (today - day).days) for day in newest)
    newer = (0, *(age + 1 for age in AGES))
    oldest = [*(today - timedelta(days=age) for age in AGES), None]
    classes = (Age(oldest[at], today - timedelta(days=age), counted[at]) for at, age in enumerate(newer))
    return (*classes, Age(None, None, counted[None]))
