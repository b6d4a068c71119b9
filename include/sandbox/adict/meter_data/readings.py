"""What GRDF knows of a meter's days at a time: absent, provisional, corrected or definitive.

A synthetic gas day appears at 08:00 Paris time on D+1 to D+3. One in ten is an estimate for five days. In every third
month the coefficient changes when the month is published, on the 3rd of the next one at 08:00; then days are
definitive. The real household's are so at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final

from include.sandbox.adict import paris
from include.sandbox.adict.meter_data import real, synthetic
from include.sandbox.adict.meter_data.meters import Meter
from include.sandbox.adict.meter_data.synthetic import FinalDay
from include.sandbox.adict.store import Store

MEASURED: Final = "Mesuré"
ESTIMATED: Final = "Estimé"
CORRECTED: Final = "Corrigé"
PROVISIONAL: Final = "Provisoire"
DEFINITIVE: Final = "Définitive"
_SETTLES_AFTER = timedelta(days=5)


@dataclass(frozen=True, slots=True)
class Day:
    """One gas day as GRDF reports it: indexes in m³, kWh (``None`` if withdrawn), kWh per m³."""

    day: date
    index_start: int
    index_end: int
    energy: float | None
    coefficient: float
    quality: str
    status: str

    @property
    def volume(self) -> int:
        """Volume between the indexes, in whole m³."""
        return self.index_end - self.index_start


def published_at(month: date) -> datetime:
    """Return the time from which the days of a month are definitive."""
    return paris.at_hour(paris.month_after(month).replace(day=3), 8)


def first_seen(pce: str, day: date) -> datetime:
    """Return the time at which a gas day of a synthetic meter appears."""
    delay = (1, 1, 1, 1, 1, 1, 2, 2, 2, 3)[synthetic.draw_number(pce, day, "delay") % 10]
    return paris.at_hour(day + timedelta(days=delay), 8)


def days_now(
    store: Store,
    meter: Meter,
    first: date,
    end: date,
    now: datetime,
    *,
    daily: bool = True,
    shift: int = 0,
    continues: bool = False,
) -> list[Day]:
    """Return the days that GRDF now knows, with corrections, until before ``end``; ``shift`` is in years."""
    if not daily:
        return []
    if meter.kind == "real":
        today = paris.civil_day(now)
        rows = real.continued_days(shift, today) if continues else real.real_days(shift)
        days = {row.day: _final(row) for row in rows if first <= row.day < min(end, today)}
    else:
        days = _synthetic_days(meter.pce, first, end, now)
    for text, energy, quality in store.rows(
        "SELECT day, energie, qualif FROM corrections WHERE pce = ? AND day >= ? AND day < ?",
        meter.pce,
        first.isoformat(),
        end.isoformat(),
    ):
        if (day := date.fromisoformat(text)) in days:
            days[day] = replace(days[day], energy=_plain(energy), quality=quality)
    return [days[day] for day in sorted(days)]


def _plain(energy: float | None) -> float | None:
    return int(energy) if energy is not None and float(energy).is_integer() else energy


def _synthetic_days(pce: str, first: date, end: date, now: datetime) -> dict[date, Day]:
    days: dict[date, Day] = {}
    day = max(first, date(synthetic.FIRST_YEAR, 1, 1))
    last = min(end, paris.civil_day(now))
    month, published = 0, datetime.min.replace(tzinfo=UTC)
    while day < last:
        if day.month != month:
            month, published = day.month, published_at(day)
        if now >= published:
            days[day] = _final(synthetic.final_day(pce, day))
        elif now >= (seen := first_seen(pce, day)):
            days[day] = _provisional(pce, day, early=now < seen + _SETTLES_AFTER)
        day += timedelta(days=1)
    return days


def _final(row: FinalDay) -> Day:
    quality = MEASURED if row.measured else ESTIMATED
    return Day(row.day, row.index_start, row.index_end, row.energy, row.coefficient, quality, DEFINITIVE)


def _provisional(pce: str, day: date, *, early: bool) -> Day:
    row = synthetic.final_day(pce, day)
    factor, volume, quality = row.coefficient, row.volume, MEASURED if row.measured else ESTIMATED
    if synthetic.draw_number(pce, day.year, day.month, "coefficient") % 3 == 0:
        factor = round(factor - 0.03, 3)
    if early and synthetic.draw_number(pce, day, "estimate") % 10 == 0:
        volume, quality = volume + 3 + volume // 20, ESTIMATED
    energy = synthetic.energy_of(volume, factor)
    return Day(day, row.index_start, row.index_end, energy, factor, quality, PROVISIONAL)
