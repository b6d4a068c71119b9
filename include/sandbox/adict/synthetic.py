"""Synthetic meters: any PCE of the two patterns below has a plausible past, always the same, made from its digits.

Recipe (figures of the 711-day household and public means): yearly use by kind of home, the household's season shape,
day-to-day weather, holidays of exact zeros, volume in 0.1 m³ steps, one coefficient per month between 10.9 and
11.4 kWh/m³, energy = floor(volume x coefficient), a whole index that never goes back.
"""

from __future__ import annotations

import re
import zlib
from array import array
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import accumulate
from random import Random
from typing import Final

#: No synthetic meter has a day before this one, so five years of depth need a sandbox clock of 2021 or later.
FIRST_YEAR: Final = 2016
_PATTERN: Final = re.compile(r"0999999\d{7}|GI999\d{3}")
#: Mean kWh of a day of each month in the real household, January first.
_SEASON: Final = (134.0, 105.0, 75.0, 55.0, 30.0, 15.0, 12.0, 10.0, 20.0, 45.0, 97.0, 117.0)
_SEASON_YEAR: Final = 21_663.0
_ONE_ESTIMATE_IN: Final = 700


def exists(pce: str) -> bool:
    """Return whether a synthetic meter answers to this id: ``0999999`` + 7 digits, or ``GI999`` + 3 digits.

    :param pce: a meter id.
    """
    return _PATTERN.fullmatch(pce) is not None


def draw(*parts: object) -> int:
    """Return a whole number below 2**32 that depends on ``parts`` alone, on every machine.

    :param parts: anything with a stable ``str``.
    """
    return zlib.crc32(":".join(map(str, parts)).encode()) * 2654435761 % 2**32 ^ zlib.crc32(repr(parts[::-1]).encode())


@lru_cache(maxsize=65536)
def yearly_use(pce: str) -> int:
    """Return the meter's yearly use in kWh: a cooking-only flat, a small heated flat or a house.

    :param pce: a synthetic meter id.
    """
    kind, size = draw(pce, "kind") % 100, draw(pce, "size") % 1000 / 1000
    low, high = (1_000, 1_600) if kind < 15 else (5_000, 8_500) if kind < 55 else (11_000, 17_500)
    return round(low + (high - low) * size)


@lru_cache(maxsize=65536)
def coefficient(pce: str, year: int, month: int) -> float:
    """Return kWh per m³ for one calendar month, between 10.9 and 11.4.

    :param pce: a synthetic meter id.
    :param year: civil year.
    :param month: 1 to 12.
    """
    return round(10.98 + draw(pce, "zone") % 120 / 1000 + draw(pce, year, month) % 300 / 1000, 3)


@lru_cache(maxsize=16384)
def _year_volumes(pce: str, year: int) -> array[int]:
    """Return the volumes of one year in 0.1 m³, 1 January first."""
    rng = Random(f"{pce}:{year}")
    scale = yearly_use(pce) / _SEASON_YEAR * (0.92 + rng.random() * 0.16)
    first = date(year, 1, 1).toordinal()
    days = date(year + 1, 1, 1).toordinal() - first
    away: set[int] = set()
    for start, spread, longest, chance in ((182, 50, 16, 0.8), (45, 20, 7, 0.25), (295, 15, 6, 0.2)):
        begin, length, happens = start + rng.randrange(spread), 4 + rng.randrange(longest), rng.random() < chance
        if happens:
            away.update(range(begin, begin + length))
    volumes = array("i")
    weather = 0.0
    for number in range(days):
        weather = 0.8 * weather + 0.35 * (rng.random() - 0.5)
        position = number / days * 12 - 0.5  # months counted from the middle of January
        month, part = int(position // 1), position % 1
        season = _SEASON[month % 12] * (1 - part) + _SEASON[(month + 1) % 12] * part
        energy = season * scale * max(0.3, 1 + weather + 0.25 * (rng.random() - 0.5))
        volumes.append(0 if number in away else int(energy / 11.15 * 10 + 0.5))
    return volumes


@lru_cache(maxsize=4096)
def _index_at_new_year(pce: str, year: int) -> int:
    """Return the meter's index on 1 January, in 0.1 m³."""
    if year <= FIRST_YEAR:
        return draw(pce, "index") % 50_000
    return _index_at_new_year(pce, year - 1) + sum(_year_volumes(pce, year - 1))


@lru_cache(maxsize=16384)
def _year_indexes(pce: str, year: int) -> array[int]:
    """Return the index at the start of each day of one year and of the next New Year, in 0.1 m³."""
    return array("l", accumulate(_year_volumes(pce, year), initial=_index_at_new_year(pce, year)))


@dataclass(frozen=True, slots=True)
class SyntheticDay:
    """One gas day of a synthetic meter, as it will finally stand.

    :param volume: tenths of m³.
    :param index_start: whole m³ at 06:00 that day.
    :param index_end: whole m³ at 06:00 the next day.
    """

    volume: int
    index_start: int
    index_end: int
    coefficient: float
    measured: bool


def final_day(pce: str, day: date) -> SyntheticDay | None:
    """Return what one day finally is, None before the meter was installed.

    :param pce: a synthetic meter id.
    :param day: the gas day.
    """
    if day.year < FIRST_YEAR:
        return None
    number = day.toordinal() - date(day.year, 1, 1).toordinal()
    indexes = _year_indexes(pce, day.year)
    return SyntheticDay(
        volume=_year_volumes(pce, day.year)[number],
        index_start=indexes[number] // 10,
        index_end=indexes[number + 1] // 10,
        coefficient=coefficient(pce, day.year, day.month),
        measured=draw(pce, day.toordinal()) % _ONE_ESTIMATE_IN != 0,
    )


def energy_of(volume: int, kwh_per_m3: float) -> int:
    """Return kWh: the floor of volume x coefficient, in whole numbers so that no machine rounds otherwise.

    :param volume: tenths of m³.
    :param kwh_per_m3: coefficient with at most three decimals.
    """
    return volume * round(kwh_per_m3 * 1000) // 10_000
