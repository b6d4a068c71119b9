"""Published periods against the gas days of the same period: a difference is shown on the account, never mended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from include.gas.answers.published import Period
from include.gas.days.windows import Window
from include.gas.documents.gas_days import day_of
from include.gas.documents.periods import period_of
from include.gas.documents.totals import Number, exact_sum

FLOORED = 1
"""kWh by which the energy of one gas day may be too low: GRDF cuts it to a whole number (681 of 684 real rows)."""

USUAL_COEFFICIENT = 12.0
"""kWh per m³, a little above the highest seen: counts when a period does not name its own."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A published period beside its stored gas days.

    :param first: first gas day
    :param end: gas day after the last one, excluded
    :param published: kWh that GRDF published
    :param stored: kWh of the stored days, summed
    :param missing_days: how many of its days are not stored
    :param beyond_rounding: whether rounding alone cannot explain the difference (see :func:`compare`)
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

    What rounding alone explains: each day's energy is cut to whole kWh, so the stored sum may be too low by
    :data:`FLOORED` a day; and the period's energy counts whole m³ between two indexes, so it may be wrong by one m³
    (its coefficient, in kWh) either way. A difference outside of these two together is beyond rounding. Missing days
    make one, which :attr:`Comparison.missing_days` then explains. A period that begins within a calendar month has one
    coefficient where its days have two, which may show as well.

    :param period: what GRDF published
    :param loads: kWh by stored gas day, of any days
    """
    window = Window(period.first, period.end)
    stored = [loads[day] for day in window.days() if day in loads]
    total = exact_sum(stored)
    cubic_metre = period.coefficient or USUAL_COEFFICIENT
    difference = exact_sum((period.load, -total))
    within = -cubic_metre <= difference <= FLOORED * len(stored) + cubic_metre
    return Comparison(period.first, period.end, period.load, total, len(window) - len(stored), not within)


def compare_all(periods: Iterable[Mapping[str, Any]], days: Iterable[Mapping[str, Any]]) -> tuple[Comparison, ...]:
    """Compare all stored periods that can be: those that begin when gas days were stored already.

    :param periods: stored periods of one meter
    :param days: all stored day documents of that meter
    :return: by first day; none for a meter without gas days
    """
    loads = {day_of(document): document["load"] for document in days}
    since = min(loads, default=None)
    if since is None:
        return ()
    spans = sorted((period_of(document) for document in periods), key=lambda period: period.first)
    return tuple(compare(period, loads) for period in spans if period.first >= since)
