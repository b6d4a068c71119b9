"""Published data: five years of billed periods (month, half a year or day).

Those of use are in ``donnees_consos_publiees``, those of gas put into the network in ``donnees_injections_publiees``,
whose lines have an ``injection`` in place of a ``consommation`` (ADICT 11.4).
"""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta
from typing import Literal

import msgspec
from msgspec.structs import replace

from include.gas.answers.consumption.sorting import Line, RowKind, SortedAnswer, sort_answer
from include.gas.answers.drift import AS_CONSUMPTION
from include.gas.answers.fields import Quality, Status, number_in, quality_in, status_in, value_at
from include.gas.answers.french_words import day_in, instant_in, text_of
from include.gas.days.gas_day import ONE_DAY, YEARS, gas_day_of
from include.gas.days.windows import Window

TO_COME = timedelta(days=200)
"""How far ahead a period may end: half a year, in case GRDF writes its nominal end."""


class Period(msgspec.Struct, frozen=True):
    """A billing period: kWh (on monthly rows whole m³ times ``coefficient``, in kWh per m³) and m³.

    :param kind: whether the gas was used, or put into the network
    """

    first: date
    end: date
    load: int | float
    coefficient: float | None = None
    volume: float | None = None
    reason: str = ""
    status: Status = "definitive"
    quality: Quality = "measured"
    kind: Literal["consumption", "injection"] = "consumption"

    def __len__(self) -> int:
        return (self.end - self.first).days

    @property
    def window(self) -> Window:
        """Its gas days."""
        return Window(self.first, self.end)


def parse_published(
    text: str | bytes, *, account: str, pce: str, window: Window, today: date, injected: bool = False
) -> SortedAnswer[Period]:
    """Parse an answer with the periods that a meter has used, or ``injected``. Never raise.

    Of rows with one start, the one with the later end counts: GRDF may send a row for one day without data beside the
    month's. With one end too, the later row counts, but neither a provisional row for a definitive one nor one without
    data for one with. A row that ends far ahead is unreadable: it would be spread over months to come.
    """
    kind = INJECTIONS if injected else PERIODS
    return sort_answer(kind, text, account=account, pce=pce, window=window, latest=today + TO_COME)


def _period(span: Window, load: int | float, line: Line, use: Line) -> Period:
    coefficient = number_in(value_at(use, "coeff_calcul", "coeff_conversion"))
    reason, volume = text_of(value_at(line, "releve_fin", "raison_releve"))[:20], number_in(use.get("volume_brut"))
    return Period(span.first, span.end, load, coefficient, volume, reason, status_in(use), quality_in(use))


def _span(line: Line, use: Line) -> Window | None:
    first = _bound(use.get("date_debut_consommation")) or _bound(value_at(line, "releve_debut", "date_releve"))
    end = _bound(use.get("date_fin_consommation")) or _bound(value_at(line, "releve_fin", "date_releve"))
    return Window.between(first, end) if first and end else None


def _injected(span: Window, load: int | float, line: Line, use: Line) -> Period:
    return replace(_period(span, load, line, use), kind="injection")


def _injection(line: Line) -> object:
    """Return a line's ``injection`` with the keys of a ``consommation``, and without the flow's direction."""
    found = line.get("injection")
    if not isinstance(found, dict):
        return found
    return {AS_CONSUMPTION.get(key, key): value for key, value in found.items() if key != "sens_flux_gaz"}


def _bound(value: object) -> date | None:
    """Return the gas day whose start is nearest to an instant."""
    if not isinstance(value, str):
        return None
    text = value.strip()
    if "T" not in text and " " not in text:
        return day_in(text)
    instant = instant_in(text)
    return gas_day_of(instant + ONE_DAY / 2) if instant and instant.year in YEARS else None


PERIODS: RowKind[Period] = RowKind(
    rows="periods",
    type_conso="publi",
    noun="period",
    span=_span,
    row=_period,
    replaces=lambda new, old: (new.end, new.status == "definitive") >= (old.end, old.status == "definitive"),
)
INJECTIONS: RowKind[Period] = dataclasses.replace(PERIODS, type_conso="", row=_injected, use=_injection)
