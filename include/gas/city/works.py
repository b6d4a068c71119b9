"""What figures of a group say when the weather is taken out of them, and about the effect of works.

Only published figures go in, so nothing more can follow about anybody. A household's kWh a day are taken for a constant
and a part that grows with the degree days (the energy signature); months with equal weather can then be compared. As
in the public method for a change of use (CalTRACK, in `openeemeter`), the year before the works says what would have
been used after them; what a comparison group has saved in the same months counts as no effect of theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import StatisticsError, linear_regression

from include.gas.city.figures import Figure
from include.gas.city.weather import Weather, length

MONTHS = 12
LEAST_DAYS = 329
"""Days that a baseline and what is compared with it need (CalTRACK: 329 to 365)."""
SAME = 0.1
"""Part by which the number of households may change, as others then live there."""


@dataclass(frozen=True, slots=True)
class Signature:
    """kWh of a household: a day's constant, and the kWh for each degree day."""

    constant: float
    slope: float

    def expected(self, degree_days: float) -> float:
        """Return the kWh of a household on a day."""
        return self.constant + self.slope * degree_days


@dataclass(frozen=True, slots=True)
class Effect:
    """What a group has saved after works, as a part of what was expected (0.2 is 20 % less).

    :param others: the same of the comparison group; ``None`` without one
    :param lacks: why the figures do not suffice, as a key of the page's texts; ``""`` if they do
    """

    saved: float | None = None
    others: float | None = None
    lacks: str = ""

    @property
    def effect(self) -> float | None:
        """What the works have saved; ``None`` if it cannot be said."""
        return None if self.lacks or self.saved is None else self.saved - (self.others or 0)


def fit_signature(figures: Iterable[Figure], weather: Weather) -> Signature | None:
    """Return a group's signature; ``None`` without any heating."""
    known = [each for each in figures if each.first in weather.by_month]
    try:
        slope, constant = linear_regression(
            [weather.by_month[each.first] for each in known], [_per_day(each) for each in known]
        )
    except StatisticsError:
        return None
    return Signature(constant, slope) if slope > 0 else None


def normalised(figures: Sequence[Figure], weather: Weather) -> Mapping[date, float]:
    """Return the kWh of a group's months as they would have been in usual weather, by its own signature."""
    known = [each for each in figures if each.first in weather.by_month]
    signature = fit_signature(known, weather)
    if signature is None or len(known) < MONTHS - 1:
        return {}
    return {
        each.first: each.load
        + signature.slope * (weather.usual(each.first) - weather.by_month[each.first]) * each.households
        * length(each.first)
        for each in known
    }  # fmt: skip


def effect_of_works(
    figures: Sequence[Figure], against: Sequence[Figure], weather: Weather, first: date, last: date
) -> Effect:
    """Return what a group has saved in the year after works, from the month ``first`` to ``last``."""
    both = {each.first for each in figures} & {each.first for each in against or figures}
    saved, lacks = _saved([each for each in figures if each.first in both], weather, first, last)
    if lacks or not against:
        return Effect(saved, None, lacks)
    return Effect(saved, *_saved([each for each in against if each.first in both], weather, first, last))


def _saved(figures: Sequence[Figure], weather: Weather, first: date, last: date) -> tuple[float | None, str]:
    known = [each for each in figures if each.first in weather.by_month]
    year_before = [_add_months(first, number) for number in range(-MONTHS, 0)]
    year_after = [_add_months(last, number) for number in range(1, MONTHS + 1)]
    before, after = ([each for each in known if each.first in year] for year in (year_before, year_after))
    for year, lacks in ((year_before, "before"), (year_after, "after")):
        needless = {month for month in year if weather.by_month.get(month) == 0}  # a sum of 0 is never published
        if sum(map(length, needless | {each.first for each in known} & {*year})) < LEAST_DAYS:
            return None, lacks
    signature = fit_signature(before, weather)
    if signature is None:
        return None, "heating"
    households = [each.households for each in before + after]
    if max(households) - min(households) > SAME * max(households):
        return None, "households"
    expected = sum(signature.expected(weather.by_month[each.first]) * length(each.first) for each in after)
    return 1 - sum(_per_day(each) * length(each.first) for each in after) / expected, ""


def _add_months(month: date, number: int) -> date:
    years, place = divmod(month.month - 1 + number, 12)
    return date(month.year + years, place + 1, 1)


def _per_day(figure: Figure) -> float:
    return figure.load / figure.households / length(figure.first)
