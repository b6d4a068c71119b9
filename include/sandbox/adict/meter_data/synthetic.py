"""Synthetic meters: any PCE of the patterns below has data that depend on its digits alone.

Modelled on the 711-day household and public averages: season, weather, holidays with exact zeros, volumes in 0.1 m³, a
coefficient per month of 10.9 to 11.4 kWh/m³, energy = floor(volume x coefficient), a whole index that never decreases.
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

# First year of data: five years require a sandbox clock of 2021 or later.
FIRST_YEAR: Final = 2016
_PATTERN: Final = re.compile(r"0999999\d{7}|GI999\d{3}")
# kWh per day in each month for the real household, January first.
_SEASON: Final = (134.0, 105.0, 75.0, 55.0, 30.0, 15.0, 12.0, 10.0, 20.0, 45.0, 97.0, 117.0)
_SEASON_YEAR: Final = 21_663.0
_ONE_ESTIMATE_IN: Final = 700


def is_synthetic(pce: str) -> bool:
    """Return whether an id is that of a synthetic meter: ``0999999`` and 7 digits, or ``GI999`` and 3 digits."""
    return _PATTERN.fullmatch(pce) is not None


def draw_number(*parts: object) -> int:
    """Return an integer below 2**32 that depends on ``parts`` alone, on every machine."""
    return zlib.crc32(":".join(map(str, parts)).encode()) * 2654435761 % 2**32 ^ zlib.crc32(repr(parts[::-1]).encode())


@lru_cache(maxsize=65536)
def yearly_use(pce: str) -> int:
    """Return a meter's yearly kWh: a flat that cooks with gas, a small heated flat, or a house."""
    kind, size = draw_number(pce, "kind") % 100, draw_number(pce, "size") % 1000 / 1000
    low, high = (1_000, 1_600) if kind < 15 else (5_000, 8_500) if kind < 55 else (11_000, 17_500)
    return round(low + (high - low) * size)


@lru_cache(maxsize=65536)
def coefficient(pce: str, year: int, month: int) -> float:
    """Return kWh per m³ for a month, 10.9 to 11.4."""
    return round(10.98 + draw_number(pce, "zone") % 120 / 1000 + draw_number(pce, year, month) % 300 / 1000, 3)


@lru_cache(maxsize=16384)
def _year_volumes(pce: str, year: int) -> array[int]:
    """Return a year's daily volumes in 0.1 m³."""
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
    """Return the index on 1 January, in 0.1 m³."""
    if year <= FIRST_YEAR:
        return draw_number(pce, "index") % 50_000
    return _index_at_new_year(pce, year - 1) + sum(_year_volumes(pce, year - 1))


@lru_cache(maxsize=16384)
def _year_indexes(pce: str, year: int) -> array[int]:
    """Return the index at the start of each day of a year and of the next 1 January, in 0.1 m³."""
    return array("l", accumulate(_year_volumes(pce, year), initial=_index_at_new_year(pce, year)))


@dataclass(frozen=True, slots=True)
class FinalDay:
    """One definitive gas day: indexes in whole m³, volume in 0.1 m³, whole kWh, kWh per m³."""

    day: date
    index_start: int
    index_end: int
    volume: int
    energy: int
    coefficient: float
    measured: bool


@lru_cache(maxsize=131072)
def final_day(pce: str, day: date) -> FinalDay:
    """Return the definitive data of a gas day from :data:`FIRST_YEAR` on."""
    number = day.toordinal() - date(day.year, 1, 1).toordinal()
    indexes, volume = _year_indexes(pce, day.year), _year_volumes(pce, day.year)[number]
    factor = coefficient(pce, day.year, day.month)
    measured = draw_number(pce, day.toordinal()) % _ONE_ESTIMATE_IN != 0
    start, end = indexes[number] // 10, indexes[number + 1] // 10
    return FinalDay(day, start, end, volume, energy_of(volume, factor), factor, measured)


def energy_of(volume: int, kwh_per_m3: float) -> int:
    """Return the floor of volume (0.1 m³) x coefficient (three decimals), by integers: the same on all machines."""
    return volume * round(kwh_per_m3 * 1000) // 10_000
