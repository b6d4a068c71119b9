"""Fields common to ADICT's lines about gas days and about billing periods."""

from __future__ import annotations

import re
from typing import Any, Literal

from include.gas.answers.french_words import fold

Status = Literal["provisional", "definitive"]
Quality = Literal["measured", "estimated", "corrected"]

HIGHEST = 10**10
"""Of kWh, m³ and any number: a larger one is none."""
_NUMBER = re.compile(r"[0-9]{1,12}(?:[.,][0-9]{1,6})?")
_DEFINITIVE = re.compile(r"d.{0,2}finiti")  # tolerates an accent broken by a wrong charset
_QUALITIES: tuple[tuple[str, Quality], ...] = (("mesur", "measured"), ("estim", "estimated"), ("corrig", "corrected"))
_MOST_CAREFUL: Quality = "estimated"


def value_at(value: Any, *path: str) -> Any:
    """Return the value at a path through objects; ``None`` if the path ends early."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def number_in(value: object) -> int | float | None:
    """Return a number from 0 to :data:`HIGHEST`, whole ones as ``int`` (60 and 60.0 are one); otherwise ``None``.

    A text counts as the number in it, with a point or a French comma.
    """
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = float(value.replace(",", "."))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not 0 <= value <= HIGHEST:
        return None
    return int(value) if value == int(value) else value


def status_in(use: dict[str, Any]) -> Status:
    """Return whether GRDF may still change a ``consommation``."""
    return "definitive" if _DEFINITIVE.match(fold(use.get("statut_conso"))) else "provisional"


def quality_in(use: dict[str, Any]) -> Quality:
    """Return how GRDF determined a ``consommation``. An unknown word counts as estimated, the most careful."""
    word = fold(use.get("type_qualif_conso"))
    return next((quality for start, quality in _QUALITIES if word.startswith(start)), _MOST_CAREFUL)


def is_about_meter(line: dict[str, Any], pce: str) -> bool:
    """Return whether a line is about the requested meter; one without a meter is, as the request names one only."""
    meter = line.get("pce")
    name = meter.get("id_pce") if isinstance(meter, dict) else meter
    if name is None:
        return True
    if isinstance(name, int) and not isinstance(name, bool):
        return f"{name:014d}" == pce
    return isinstance(name, str) and name.strip() == pce
