"""Daily data (``donnees_consos_informatives``): at most one reading per gas day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from include.gas.answers.consumption.sorting import Line, RowKind, SortedAnswer, sort_answer
from include.gas.answers.fields import Quality, Status, number_in, quality_in, status_in, value_at
from include.gas.answers.french_words import day_in, instant_in, moment_in, text_of
from include.gas.days.gas_day import ONE_DAY, YEARS, gas_day_of
from include.gas.days.windows import Window

LONGEST_WORD = 40
"""Characters kept of GRDF's words."""

_NUMBERS = {
    "volume": ("consommation", "volume_brut"),
    "converted_volume": ("consommation", "volume_converti"),
    "coefficient": ("consommation", "coeff_calcul", "coeff_conversion"),
    "pta": ("consommation", "coeff_calcul", "coeff_pta"),
    "pcs": ("consommation", "coeff_calcul", "valeur_pcs"),
    "index_start": ("releve_debut", "index_brut_debut", "valeur_index"),
    "index_end": ("releve_fin", "index_brut_fin", "valeur_index"),
    "converted_index_start": ("releve_debut", "index_converti_debut", "valeur_index"),
    "converted_index_end": ("releve_fin", "index_converti_fin", "valeur_index"),
}
_MOMENTS = {
    "index_start": (("releve_debut", "index_brut_debut", "horodate_Index"), ("releve_debut", "date_releve")),
    "index_end": (("releve_fin", "index_brut_fin", "horodate_Index"), ("releve_fin", "date_releve")),
}
_WORDS = {"grdf_quality": "type_qualif_conso", "grdf_status": "statut_conso"}
MEASURES = frozenset((*_NUMBERS, *(f"{name}_at" for name in _MOMENTS), "through_zero", *_WORDS))
"""What a line has besides its energy, by key of the day's document (docs/documents.md)."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The consumption of one gas day in kWh; a measured 0 is a reading. ``measures``: by :data:`MEASURES`."""

    day: date
    load: int | float
    status: Status = "provisional"
    quality: Quality = "measured"
    measures: Mapping[str, Any] = field(default_factory=dict)


def parse_daily(text: str | bytes, *, account: str, pce: str, window: Window) -> SortedAnswer[Reading]:
    """Parse ``donnees_consos_informatives`` and never raise. A provisional line never replaces a definitive one."""
    return sort_answer(DAILY, text, account=account, pce=pce, window=window)


def measures_in(line: Line, use: Line) -> dict[str, Any]:
    """Return what a line and its ``consommation`` have besides the energy. What cannot be read is absent."""
    found: dict[str, Any] = {}
    for name, path in _NUMBERS.items():
        if (number := number_in(value_at(line, *path))) is not None:
            found[name] = number
    for name, paths in _MOMENTS.items():
        if name not in found:
            continue
        if moment := next((each for path in paths if (each := moment_in(value_at(line, *path)))), ""):
            found[f"{name}_at"] = moment
    if isinstance(zero := use.get("flag_retour_zero"), bool):
        found["through_zero"] = zero
    return found | {name: word[:LONGEST_WORD] for name, key in _WORDS.items() if (word := text_of(use.get(key)))}


def _reading(span: Window, load: int | float, line: Line, use: Line) -> Reading:
    return Reading(span.first, load, status_in(use), quality_in(use), measures_in(line, use))


def _span(_line: Line, use: Line) -> Window | None:
    day = day_in(use.get("journee_gaziere")) or _start(use.get("date_debut_consommation"))
    return Window(day, day + ONE_DAY) if day and day.year in YEARS else None


def _start(value: object) -> date | None:
    if not isinstance(value, str) or ("T" not in value and " " not in value.strip()):
        return day_in(value)  # a bare date is the label
    instant = instant_in(value)
    return gas_day_of(instant) if instant and instant.year in YEARS else None


DAILY: RowKind[Reading] = RowKind(
    rows="readings",
    type_conso="informative journalier",
    noun="gas day",
    span=_span,
    row=_reading,
    replaces=lambda new, old: new.status == "definitive" or old.status != "definitive",
)
