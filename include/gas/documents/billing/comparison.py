"""Compares published periods with the gas days of the same time.

A difference is shown on the account. It never changes a document.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from include.gas.answers.consumption.published import Period
from include.gas.documents.billing.periods import readable_periods
from include.gas.documents.day_documents import day_of, is_day
from include.gas.documents.totals import Number, exact_sum

FLOORED = 1
"""kWh by which one gas day may be too low, because GRDF rounds it down to a whole number (681 of 684 real rows)."""

USUAL_COEFFICIENT = 12.0
"""kWh per m³, used for periods without a coefficient. It is a little above the highest coefficient seen."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A published period compared with its stored gas days.

    :param published: kWh that GRDF published
    :param stored: sum of the stored days in kWh
    :param missing_days: number of its days that are not stored
    :param beyond_rounding: whether rounding alone cannot explain the difference, see :func:`compare`
    """

    first: date
    end: date
    published: Number
    stored: Number
    missing_days: int
    beyond_rounding: bool

    @property
    def difference(self) -> Number:
        """Published minus stored, in kWh."""
        return exact_sum((self.published, -self.stored))


def compare(period: Period, loads: Mapping[date, Number]) -> Comparison:
    """Compare a period with the stored days.

    Two kinds of rounding explain a difference. Each day is rounded down to whole kWh, so the stored sum may be too low
    by :data:`FLOORED` per day. And the period counts whole m³ between two indexes, so it may be off by one m³ in either
    direction, which is its coefficient in kWh. A difference larger than both together is beyond rounding. Missing days
    cause such a difference; :attr:`Comparison.missing_days` then explains it. A period that starts in the middle of a
    calendar month may show one too, since it has one coefficient while its days have two.

    :param loads: kWh by stored gas day; may contain other days
    """
    stored = [loads[day] for day in period.window.days() if day in loads]
    total = exact_sum(stored)
    cubic_metre = period.coefficient or USUAL_COEFFICIENT
    difference = exact_sum((period.load, -total))
    within = -cubic_metre <= difference <= FLOORED * len(stored) + cubic_metre
    return Comparison(period.first, period.end, period.load, total, len(period) - len(stored), not within)


def compare_all(periods: Iterable[Mapping[str, Any]], days: Iterable[Mapping[str, Any]]) -> tuple[Comparison, ...]:
    """Compare the stored periods of a meter that do not start before its first stored day.

    :param periods: stored periods of one meter
    :param days: all stored day documents of that meter
    :return: comparisons in order of their first day; empty for a meter without stored days
    """
    loads = {day_of(document): document["load"] for document in days if is_day(document)}
    since = min(loads, default=None)
    if since is None:
        return ()
    spans = sorted(readable_periods(periods), key=lambda period: period.first)
    return tuple(compare(period, loads) for period in spans if period.first >= since)
