"""What is new in GRDF's lines about consumption: keys, types, words and decimals that this project has never seen."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from include.gas.answers.french_words import fold

_INDEX = {"valeur_index": "number", "horodate_Index": "text"}
_READ = dict.fromkeys(
    ("date_releve", "raison_releve", "libelle_raison_releve", "qualite_releve", "statut_releve"), "text"
)
_USE: Mapping[str, Any] = {
    **dict.fromkeys(("date_debut_consommation", "date_fin_consommation", "journee_gaziere"), "text"),
    **dict.fromkeys(("volume_brut", "volume_converti"), "number"),
    "energie": "whole number",
    "coeff_calcul": dict.fromkeys(("coeff_pta", "valeur_pcs", "coeff_conversion"), "number"),
    "flag_retour_zero": "flag",
    "sens_flux_gaz": ("conso", "prod"),
    "statut_conso": ("provisoire", "definiti"),
    "type_qualif_conso": ("mesur", "estim", "corrig", "absence"),
    "type_conso": ("informative", "publi"),
}
AS_CONSUMPTION: Mapping[str, str] = {
    "date_debut_injection": "date_debut_consommation",
    "date_fin_injection": "date_fin_consommation",
    "statut_injection": "statut_conso",
    "type_qualif_injection": "type_qualif_conso",
    "type_injection": "type_conso",
}
"""The keys of an ``injection`` that are named otherwise in a ``consommation``."""
KNOWN: Mapping[str, Any] = {
    "pce": {"id_pce": "text"},
    "periode": dict.fromkeys(("valeur", "date_debut", "date_fin"), "text"),
    "releve_debut": _READ | {"index_brut_debut": _INDEX, "index_converti_debut": _INDEX},
    "releve_fin": _READ | {"index_brut_fin": _INDEX, "index_converti_fin": _INDEX},
    "consommation": _USE,
    "injection": {key: kind for key, kind in _USE.items() if key not in AS_CONSUMPTION.values()}
    | {new: _USE[key] for new, key in AS_CONSUMPTION.items()},
    "bordereau_publication": {
        "date_debut_bordereau": "text", "date_fin_bordereau": "text", "nb_jour_gazier": "number",
    },
    "statut_restitution": {"code": "text", "message": "text"},
}  # fmt: skip
"""Keys with their type, the beginnings of their words, or their own keys (ADICT 3.2 and 3.3). Each may be null."""
LONGEST = 40


def find_drift(line: Mapping[str, Any], known: Mapping[str, Any] = KNOWN, at: str = "") -> Iterator[str]:
    """Yield what is new in a line, as clauses without values: of those, a word of GRDF's alone is quoted."""
    for key, value in line.items():
        name, expected = f"{at}{_shape(key)}", known.get(key)
        if expected is None:
            yield f"the key {name} is new ({_type_of(value)})"
        elif value is None:
            continue
        elif isinstance(expected, dict) and isinstance(value, Mapping):
            yield from find_drift(value, expected, f"{name}.")
        elif fault := _fault(value, expected):
            yield f"{name} {fault}"


def _fault(value: object, expected: object) -> str:
    """Return what is new about a value, or ``""``."""
    if isinstance(expected, tuple):
        word = _shape(value) if isinstance(value, str) else _type_of(value)
        return "" if fold(value).startswith(expected) else f"has a new word: {word}"
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if expected == "whole number" and isinstance(value, float) and not value.is_integer():
        return "has decimals"
    kinds = {"text": isinstance(value, str), "flag": isinstance(value, bool)}
    if isinstance(expected, str) and kinds.get(expected, is_number):
        return ""
    return f"is {_type_of(value)} in place of {'an object' if isinstance(expected, dict) else f'a {expected}'}"


def _type_of(value: object) -> str:
    names = {str: "a text", bool: "a flag", dict: "an object", list: "a list", type(None): "null"}
    return names.get(type(value), "a number")


def _shape(text: str) -> str:
    """Return the beginning of a text without its digits."""
    return re.sub(r"\d", "#", text[:LONGEST])
