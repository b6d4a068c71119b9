"""Daily data (``donnees_consos_informatives``): at most one reading per gas day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from include.gas.answers.consumption.measures import NONE, Measures, measures_in
from include.gas.answers.consumption.sorting import Answer, Kind, Line, sort_answer
from include.gas.answers.fields import Quality, Status, quality_in, status_in
from include.gas.answers.words import day_in, instant_in
from include.gas.days.gas_day import YEARS, gas_day_of
from include.gas.days.windows import Window


@dataclass(frozen=True, slots=True)
class Reading:
    """The consumption of one gas day.

    :param load: energy in kWh, 0 or more; a measured 0 is a reading too
    :param status: whether GRDF may still change the reading
    :param quality: how GRDF determined it; an unknown word counts as estimated, the most careful of the three
    :param measures: what else GRDF says of the day
    """

    day: date
    load: int | float
    status: Status = "provisional"
    quality: Quality = "measured"
    measures: Measures = NONE


def read_daily(text: str | bytes, *, account: str, pce: str, window: Window) -> Answer[Reading]:
    """Parse an answer of ``donnees_consos_informatives``. Never raise, whatever GRDF sent.

    If there are two lines about one day, the later one counts. But a provisional line never replaces a definitive one.

    :param pce: the requested meter; lines about other meters are left out
    :param window: the requested gas days; lines about other days are left out
    """
    return sort_answer(DAILY, text, account=account, pce=pce, window=window)


def _reading(day: date, load: int | float, line: Line, use: Line) -> Reading:
    return Reading(day, load, status_in(use), quality_in(use), measures_in(line, use))


def _day_of(_line: Line, use: Line) -> date | None:
    label = day_in(use.get("journee_gaziere"))
    if label is not None:
        return label
    start = use.get("date_debut_consommation")
    if not isinstance(start, str):
        return None
    if "T" not in start and " " not in start.strip():
        return day_in(start)  # a bare date is the label itself
    instant = instant_in(start)
    return gas_day_of(instant) if instant and instant.year in YEARS else None


DAILY: Kind[Reading, date] = Kind(
    rows="readings",
    type_conso="informative journalier",
    missing="a gas day",
    span=_day_of,
    first=lambda day: day,
    is_asked=lambda day, window: day in window,
    days=lambda _day: 1,
    name=lambda day: f"gas day {day}",
    row=_reading,
    replaces=lambda new, old: new.status == "definitive" or old.status != "definitive",
)
"""The rules for lines about gas days."""
