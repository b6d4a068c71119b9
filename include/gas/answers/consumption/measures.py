"""What GRDF says of a consumption beside its energy: volume, factors, indexes, and its own words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from include.gas.answers.fields import number_in
from include.gas.answers.words import moment_in, text_of

Line = Mapping[str, Any]

LONGEST_WORD = 40
"""Characters that are kept of GRDF's words."""


@dataclass(frozen=True, slots=True)
class Measures:
    """What GRDF says of one consumption. Each is ``None`` where it says nothing.

    The indexes are whole m³, the volume is finer: on daily rows they differ by up to one m³ (ADICT fact sheet 3.2).
    The fields have the names of the keys in a day's document.

    :param volume: m³ as measured (``volume_brut``)
    :param converted_volume: m³ at normal conditions (``volume_converti``), of meters with a converter
    :param coefficient: kWh per m³ (``coeff_conversion``)
    :param pta: its part for pressure and temperature (``coeff_pta``)
    :param pcs: its other part, the gas's higher heating value in kWh per m³ (``valeur_pcs``)
    :param index_start: the meter's index at the start in m³
    :param index_start_at: when it was taken, UTC text
    :param index_end: the meter's index at the end in m³
    :param index_end_at: when it was taken, UTC text
    :param converted_index_start: the converter's index at the start in m³
    :param converted_index_end: the converter's index at the end in m³
    :param through_zero: whether the index went on from zero in between (``flag_retour_zero``)
    :param grdf_quality: GRDF's word for the quality (``type_qualif_conso``), such as ``Mesuré``
    :param grdf_status: GRDF's word for the status (``statut_conso``), such as ``Provisoire``
    """

    volume: int | float | None = None
    converted_volume: int | float | None = None
    coefficient: int | float | None = None
    pta: int | float | None = None
    pcs: int | float | None = None
    index_start: int | float | None = None
    index_start_at: str | None = None
    index_end: int | float | None = None
    index_end_at: str | None = None
    converted_index_start: int | float | None = None
    converted_index_end: int | float | None = None
    through_zero: bool | None = None
    grdf_quality: str | None = None
    grdf_status: str | None = None

    def as_keys(self) -> dict[str, Any]:
        """Return what GRDF has said, by name."""
        return {name: value for name in NAMES if (value := getattr(self, name)) is not None}


NAMES = tuple(field.name for field in fields(Measures))
NONE = Measures()


def measures_in(line: Line, use: Line) -> Measures:
    """Return what a line says. Whatever cannot be read counts as not said.

    :param line: an object of an answer
    :param use: its ``consommation``
    """
    factors = _object(use, "coeff_calcul")
    start, end = _object(line, "releve_debut"), _object(line, "releve_fin")
    raw_start, raw_end = _object(start, "index_brut_debut"), _object(end, "index_brut_fin")
    zero = use.get("flag_retour_zero")
    index_start, index_end = number_in(raw_start.get("valeur_index")), number_in(raw_end.get("valeur_index"))
    return Measures(
        volume=number_in(use.get("volume_brut")),
        converted_volume=number_in(use.get("volume_converti")),
        coefficient=number_in(factors.get("coeff_conversion")),
        pta=number_in(factors.get("coeff_pta")),
        pcs=number_in(factors.get("valeur_pcs")),
        index_start=index_start,
        index_start_at=None if index_start is None else _moment(raw_start, start),
        index_end=index_end,
        index_end_at=None if index_end is None else _moment(raw_end, end),
        converted_index_start=number_in(_object(start, "index_converti_debut").get("valeur_index")),
        converted_index_end=number_in(_object(end, "index_converti_fin").get("valeur_index")),
        through_zero=zero if isinstance(zero, bool) else None,
        grdf_quality=_word(use.get("type_qualif_conso")),
        grdf_status=_word(use.get("statut_conso")),
    )


def _object(outer: Line, name: str) -> Line:
    inner = outer.get(name)
    return inner if isinstance(inner, dict) else {}


def _moment(index: Line, reading: Line) -> str | None:
    """Return when an index was taken, UTC text. GRDF writes the key with a capital I."""
    return moment_in(index.get("horodate_Index")) or moment_in(reading.get("date_releve")) or None


def _word(value: object) -> str | None:
    return text_of(value)[:LONGEST_WORD] or None
