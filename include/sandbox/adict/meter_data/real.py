"""The real household: 711 days of figures, moved forward by a whole number of years.

Moving keeps the month and day, so every month of the file becomes a whole month of the sandbox with the same sum. There
are two exceptions, both about 29 February. A 29 February that is moved to a year without one is **dropped**, so its
month has 28 days, and the meter's index goes on without it. A 29 February in the new years to which no day is moved
stays **absent**. ``real_days`` takes this into account, so compare with it and never with the raw file.

The file ends in the past, so a household that is read every day would look late. Where the sandbox is to be looked at
(``./grdf demo``, ``./grdf up``), its figures **go on**: each further day has those of the day a year before
(``continued_days``).
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
    """Return the days of the file, oldest first, with their original dates."""
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
    """Return the number of years that moves the file's newest day to less than a year ago.

    The oldest day is then less than three years old, so ADICT's depth limit of three years hides no day when the
    sandbox is first started.
    """
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
    """Return the household's days, with those after the file's last one made from the days a year before.

    The meter's index goes on. A day whose day of the year before is absent, such as 29 February, is absent too.

    :param end: the day after the last one to make
    """
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
