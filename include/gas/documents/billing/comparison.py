"""Compares published periods with the gas days of the same time, for the account's page."""

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
"""kWh by which a gas day may be too low: GRDF rounds it down (681 of 684 real rows)."""

USUAL_COEFFICIENT = 12.0
"""kWh per m³ for periods without a coefficient: just above the highest seen."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A published period compared with its stored gas days, in kWh, beyond rounding or not (:func:`compare`)."""

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

    Rounding explains :data:`FLOORED` kWh per day and one m³ either way. Beyond it, days are missing, or the period
    starts within a month, so that its days have two coefficients.
    """
    stored = [loads[day] for day in period.window.days() if day in loads]
    total = exact_sum(stored)
    cubic_metre = period.coefficient or USUAL_COEFFICIENT
    difference = exact_sum((period.load, -total))
    within = -cubic_metre <= difference <= FLOORED * len(stored) + cubic_metre
    return Comparison(period.first, period.end, period.load, total, len(period) - len(stored), not within)


def compare_all(periods: Iterable[Mapping[str, Any]], days: Iterable[Mapping[str, Any]]) -> tuple[Comparison, ...]:
    """Compare the stored periods that do not start before the first stored day, in order."""
    loads = {day_of(document): document["load"] for document in days if is_day(document)}
    since = min(loads, default=None)
    if since is None:
        return ()
    spans = sorted(readable_periods(periods), key=lambda period: period.first)
    used = (period for period in spans if period.kind == "consumption")
    return tuple(compare(period, loads) for period in used if period.first >= since)
