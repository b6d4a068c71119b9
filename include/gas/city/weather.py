"""Degree days: how cold the days of a month were, from the daily temperatures in a CSV file.

A day has the degrees by which the mean of its lowest and highest temperature is below the base; outside of the heating
season it has none. The defaults are those of the State's method (SDES): 17 °C, October to May. Grand Lyon's own counts
from 18 °C.
"""

from __future__ import annotations

import csv
from calendar import monthrange
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from statistics import mean
from typing import Any

import msgspec

from include.gas.answers.french_words import day_in, fold
from include.gas.errors import BadRequest

BASE, SEASON = 17, (10, 5)
"""°C, and the first and the last month of the heating season."""
ENOUGH = 0.9
"""Part of a month's days with temperatures that is enough (CalTRACK's rule); the others count as their mean."""
COLUMNS = ("date", "min", "max")
ALIASES = {"aaaammjj": "date", "tn": "min", "tx": "max"}
"""Météo-France's names of these columns."""
WEATHER = "~weather"
"""Id of the weather among the figures."""


@dataclass(frozen=True, slots=True)
class Weather:
    """Degree days per day by month, and the usual ones of each month of the year."""

    by_month: Mapping[date, float]

    def usual(self, month: date) -> float:
        """Return the mean of all years of the file; ``ValueError`` if it has no such month."""
        return mean(found for each, found in self.by_month.items() if each.month == month.month)


def read_weather(text: str, base: float = BASE, season: tuple[int, int] = SEASON) -> Weather:
    """Return the degree days in a CSV with a day's temperatures in °C; ``BadRequest`` naming the first wrong line."""
    first, last = season
    days: dict[date, dict[date, float]] = defaultdict(dict)
    reader = csv.reader(text.lstrip("\ufeff").splitlines(), delimiter=";" if ";" in text.partition("\n")[0] else ",")
    header = [ALIASES.get(fold(name), fold(name)) for name in next(reader, [])]
    if not {*COLUMNS} <= {*header}:
        raise _wrong(1, f"it has no columns {', '.join(COLUMNS)}, or AAAAMMJJ, TN, TX")
    for row in reader:
        cells = dict(zip(header, row, strict=False))
        when, *degrees = (cells.get(name, "").strip() for name in COLUMNS)
        if not all(degrees):
            continue  # a station has gaps
        day = day_in(when if "-" in when else f"{when[:4]}-{when[4:6]}-{when[6:]}")
        try:
            low, high = (float(each.replace(",", ".")) for each in degrees)
        except ValueError:
            low, high = 1.0, 0.0
        if day is None or not -60 <= low <= high <= 60:
            raise _wrong(reader.line_num, "it is not a day with its lowest and highest temperature in °C")
        if day in days[day.replace(day=1)]:
            raise _wrong(reader.line_num, f"{day} is there twice, as in a file of several stations")
        heats = day.month >= first or day.month <= last if first > last else first <= day.month <= last
        days[day.replace(day=1)][day] = max(0.0, base - (low + high) / 2) if heats else 0.0
    return Weather(
        {month: mean(found.values()) for month, found in days.items() if len(found) >= ENOUGH * length(month)}
    )


def weather_document(weather: Weather) -> dict[str, Any]:
    """Return the document that keeps degree days per day by month."""
    days = {f"{month:%Y-%m}": round(found, 3) for month, found in sorted(weather.by_month.items())}
    return {"_id": WEATHER, "degree_days": days}


def weather_of(document: Mapping[str, Any] | None) -> Weather:
    """Return the weather in that document; without any month if there is none, or if it cannot be read."""
    try:
        days = msgspec.convert((document or {}).get("degree_days", {}), dict[str, float])
        return Weather({date.fromisoformat(f"{month}-01"): found for month, found in days.items()})
    except ValueError:  # also msgspec's; the next run of grdf_city writes it anew
        return Weather({})


def length(month: date) -> int:
    """Return the number of days of a month."""
    return monthrange(month.year, month.month)[1]


def _wrong(line: int, why: str) -> BadRequest:
    step = "Correct the file of [grdf] weather_url, and start grdf_city again."
    return BadRequest.about(None, f"line {line} of the temperatures cannot be used: {why}", step)
