"""The real household: 711 days of figures, moved forward by a whole number of years.

Moving keeps the month and day, so every month of the file becomes a whole month of the sandbox with the same sum. There
are two exceptions, both about 29 February. A 29 February that is moved to a year without one is **dropped**, so its
month has 28 days, and the meter's index goes on without it. A 29 February in the new years to which no day is moved
stays **absent**. ``real_days`` and ``real_sums`` take this into account, so compare with them and never with the raw
file.
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Final

CSV_FILE: Final = Path(__file__).resolve().parent.parent / "data" / "real-daily-gas.csv"


@dataclass(frozen=True, slots=True)
class RealDay:
    """One gas day of the file.

    :param index_start: meter index at 06:00 that day, in m³
    :param index_end: meter index at 06:00 the next day, in m³
    :param volume: m³, in steps of 0.1
    :param energy: whole kWh
    :param coefficient: kWh per m³
    :param measured: ``False`` for the one estimated row of the file
    """

    day: date
    index_start: int
    index_end: int
    volume: float
    energy: int
    coefficient: float
    measured: bool


@lru_cache(maxsize=1)
def file_days() -> tuple[RealDay, ...]:
    """Return the days of the file, oldest first, with their original dates."""
    with CSV_FILE.open(encoding="utf-8", newline="") as file:
        return tuple(
            RealDay(
                day=date.fromisoformat(row["gas_day"]),
                index_start=int(float(row["index_start_m3"])),
                index_end=int(float(row["index_end_m3"])),
                volume=float(row["volume_m3"]),
                energy=int(float(row["energy_kwh"])),
                coefficient=float(row["coefficient_kwh_per_m3"]),
                measured=row["type"] == "MES",
            )
            for row in csv.DictReader(file)
        )


def shift_for(today: date) -> int:
    """Return the number of years that moves the file's newest day to less than a year ago.

    The oldest day is then less than three years old, so ADICT's depth limit of three years hides no day when the
    sandbox is first started.

    :param today: civil date in Paris
    """
    newest = file_days()[-1].day
    years = max(0, today.year - newest.year)
    return years if newest.replace(year=newest.year + years) < today else max(0, years - 1)


@lru_cache(maxsize=8)
def real_days(shift_years: int) -> tuple[RealDay, ...]:
    """Return the household's days as the sandbox serves them.

    :param shift_years: number of years by which the file is moved forward (``real_shift_years`` in the control API)
    """
    moved, dropped = [], 0
    for row in file_days():
        start, end = row.index_start - dropped, row.index_end - dropped
        try:
            day = row.day.replace(year=row.day.year + shift_years)
        except ValueError:  # 29 February in a year without one
            dropped += row.index_end - row.index_start
            continue
        moved.append(replace(row, day=day, index_start=start, index_end=end))
    return tuple(moved)


def real_sums(shift_years: int) -> dict[str, int]:
    """Return the expected totals in kWh, by ``YYYY-MM`` and by ``YYYY``.

    :param shift_years: as for :func:`real_days`
    """
    sums: Counter[str] = Counter()
    for row in real_days(shift_years):
        sums[f"{row.day:%Y-%m}"] += row.energy
        sums[f"{row.day:%Y}"] += row.energy
    return dict(sums)
