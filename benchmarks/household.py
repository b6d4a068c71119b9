"""Three years of one meter as GRDF reports them, and GRDF's news on the next day: one more day, two corrected."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from include.gas.answers.consumption.daily import Reading, read_daily
from include.gas.days.asked_days import REREAD_DAYS
from include.gas.days.windows import Window
from include.sandbox.adict.meter_data.lines import Asked, informative
from include.sandbox.adict.meter_data.readings import CORRECTED, DEFINITIVE, MEASURED, PROVISIONAL, Day
from include.sandbox.adict.meter_data.real import file_days

ACCOUNT = "bench"
PCE = "09999999999901"
LAST_DAY = date(2026, 1, 20)
"""Newest day of the first import. Three years then span four calendar years, and last year can be corrected."""
THREE_YEARS = (LAST_DAY - date(2023, 1, 20)).days
REREAD = REREAD_DAYS
SETTLED = 35
"""Approximate number of days after which GRDF declares a day definitive."""


@dataclass(frozen=True)
class Told:
    """One answer of ADICT.

    :param window: the requested gas days
    :param body: the answer as it is transmitted
    :param read_at: time of the request, ISO 8601 in UTC
    """

    window: Window
    body: str
    read_at: str

    def readings(self) -> tuple[Reading, ...]:
        """Return the readings in the answer."""
        return read_daily(self.body, account=ACCOUNT, pce=PCE, window=self.window).rows


class Household:
    """A household with the figures of the real one, repeated after its 711 days.

    :param days: length of the first import, at least 2
    """

    def __init__(self, days: int = THREE_YEARS) -> None:
        energies = [row.energy for row in file_days()]
        first = LAST_DAY - timedelta(days=days - 1)
        self.at_first = {first + timedelta(days=at): energies[at % len(energies)] for at in range(days)}
        """kWh by gas day, after the first import."""
        newest = LAST_DAY + timedelta(days=1)
        reread = min(REREAD, days - 1)
        self.corrected = (newest - timedelta(days=reread), LAST_DAY)
        """The two corrected days that the daily run finds: one recent, and one of last year if the import covers it."""
        self.later = self.at_first | {newest: 57} | {day: self.at_first[day] + 7 for day in self.corrected}
        """kWh by gas day, after the daily run."""
        self.first_answer = self._told(Window(first, newest), self.at_first, "2026-01-21T09:00:00+00:00")
        window = Window(self.corrected[0], newest + timedelta(days=1))
        self.daily_answer = self._told(window, self.later, "2026-01-22T09:00:00+00:00")

    def _told(self, window: Window, loads: dict[date, int], read_at: str) -> Told:
        corrected = {day for day in window.days() if loads[day] != self.at_first.get(day, loads[day])}
        return Told(window, answer_body(PCE, window, loads, corrected, LAST_DAY), read_at)


def answer_body(pce: str, window: Window, loads: Mapping[date, int], corrected: Collection[date], newest: date) -> str:
    """Return an answer of ADICT, with one line per gas day.

    :param pce: the meter
    :param window: the requested gas days
    :param loads: kWh of each of them
    :param corrected: the days that GRDF has corrected
    :param newest: the newest gas day of all; days long before it are definitive
    """
    asked = Asked(window.first, window.end)
    lines = []
    for day in window.days():
        line = Day(
            day=day,
            index_start=10_000,
            index_end=10_000 + round(loads[day] / 11.2),
            energy=loads[day],
            coefficient=11.2,
            quality=CORRECTED if day in corrected else MEASURED,
            status=PROVISIONAL if (newest - day).days < SETTLED else DEFINITIVE,
        )
        lines.append(json.dumps(informative(pce, asked, line), ensure_ascii=False))
    return "\n".join(lines)
