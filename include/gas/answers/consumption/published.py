"""Published data (``donnees_consos_publiees``): the billed consumption, one period per line.

They are a second source for the past: GRDF keeps them for five years, daily data for three. A period is a month for
most meters (``1M``, ``MM``), half a year for ``6M`` and a day for ``JJ``.
"""

from __future__ import annotations

from datetime import date, timedelta

import msgspec

from include.gas.answers.consumption.sorting import Line, RowKind, SortedAnswer, sort_answer
from include.gas.answers.fields import Quality, Status, number_in, quality_in, status_in, value_at
from include.gas.answers.french_words import day_in, instant_in, text_of
from include.gas.days.gas_day import ONE_DAY, YEARS, gas_day_of
from include.gas.days.windows import Window

TO_COME = timedelta(days=200)
"""How far in the future a period may end: half a year and more, in case that GRDF writes its nominal end."""


class Period(msgspec.Struct, frozen=True):
    """A billing period.

    :param load: energy in kWh; on monthly rows, the whole m³ between two indexes times the coefficient
    :param coefficient: kWh per m³; ``None`` if unknown
    :param volume: m³; ``None`` if unknown
    :param reason: why the meter was read at the end (``raison_releve``; usually ``RNO``); ``""`` if unknown
    :param status: whether GRDF may still change the period
    :param quality: how GRDF determined the consumption
    """

    first: date
    end: date
    load: int | float
    coefficient: float | None = None
    volume: float | None = None
    reason: str = ""
    status: Status = "definitive"
    quality: Quality = "measured"

    def __len__(self) -> int:
        """Return the number of gas days."""
        return (self.end - self.first).days

    @property
    def window(self) -> Window:
        """Its gas days."""
        return Window(self.first, self.end)


def parse_published(text: str | bytes, *, account: str, pce: str, window: Window, today: date) -> SortedAnswer[Period]:
    """Parse an answer of ``donnees_consos_publiees``. Never raise, whatever GRDF sent.

    If two rows have the same start, the one with the later end counts: GRDF sometimes sends a row for one day without
    data next to the row for the month. If they have the same end, too, the later row counts, but a provisional row
    never replaces a definitive one. A row without data never replaces a row with data. A row that ends in the far
    future counts as unreadable: it would take the place of the right one, and be spread over months to come.

    :param pce: the requested meter; lines about other meters are left out
    :param window: the requested gas days; periods without any of these days are left out
    """
    return sort_answer(PERIODS, text, account=account, pce=pce, window=window, latest=today + TO_COME)


def _period(span: Window, load: int | float, line: Line, use: Line) -> Period:
    coefficient = number_in(value_at(use, "coeff_calcul", "coeff_conversion"))
    reason, volume = text_of(value_at(line, "releve_fin", "raison_releve"))[:20], number_in(use.get("volume_brut"))
    return Period(span.first, span.end, load, coefficient, volume, reason, status_in(use), quality_in(use))


def _span(line: Line, use: Line) -> Window | None:
    first = _bound(use.get("date_debut_consommation")) or _bound(value_at(line, "releve_debut", "date_releve"))
    end = _bound(use.get("date_fin_consommation")) or _bound(value_at(line, "releve_fin", "date_releve"))
    return Window.between(first, end) if first and end else None


def _bound(value: object) -> date | None:
    """Return the gas day whose start is nearest to an instant.

    Bounds are at 06:00 Paris time, provided that GRDF wrote the right UTC offset.
    """
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
"""The rules for lines about published periods."""
