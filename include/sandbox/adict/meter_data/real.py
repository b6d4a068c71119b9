"""The real household: 711 days of figures, moved forward by whole years.

A 29 February moved to a year without one is **dropped**, and one to which no day is moved is **absent**. Compare with
``real_days``, never with the file. For ``./grdf demo`` and ``./grdf up`` the figures **go on**: each further day has
those of a year before (``continued_days``).
"""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Final

from include.sandbox.adict.meter_data.synthetic import FinalDay

CSV_FILE: Final = Path(__file__).resolve().parents[2] / "data" / "real-daily-gas.csv"


@lru_cache(maxsize=1)
def file_days() -> tuple[FinalDay, ...]:
    """Return the days of the file, oldest first."""
    with CSV_FILE.open(encoding="utf-8", newline="") as file:
        return tuple(
            FinalDay(
                day=date.fromisoformat(row["gas_day"]),
                index_start=int(float(row["index_start_m3"])),
                index_end=int(float(row["index_end_m3"])),
                volume=round(float(row["volume_m3"]) * 10),
                energy=int(float(row["energy_kwh"])),
                coefficient=float(row["coefficient_kwh_per_m3"]),
                measured=row["type"] == "MES",
            )
            for row in csv.DictReader(file)
        )


def shift_for(today: date) -> int:
    """Return the years that move the file's newest day to less than a year ago, within ADICT's three."""
    newest = file_days()[-1].day
    years = max(0, today.year - newest.year)
    return years if newest.replace(year=newest.year + years) < today else max(0, years - 1)


@lru_cache(maxsize=8)
def real_days(shift_years: int) -> tuple[FinalDay, ...]:
    """Return the household's days as the sandbox serves them."""
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


@lru_cache(maxsize=8)
def continued_days(shift_years: int, end: date) -> tuple[FinalDay, ...]:
    """Return the household's days until before ``end``, further ones from the year before, if that has them."""
    days = list(real_days(shift_years))
    known = {row.day: row for row in days}
    day = days[-1].day + timedelta(days=1)
    while day < end:
        former = None if (day.month, day.day) == (2, 29) else known.get(day.replace(year=day.year - 1))
        if former is not None:
            start = days[-1].index_end
            index_end = start + former.index_end - former.index_start
            known[day] = replace(former, day=day, index_start=start, index_end=index_end)
            days.append(known[day])
        day += timedelta(days=1)
    return tuple(days)
