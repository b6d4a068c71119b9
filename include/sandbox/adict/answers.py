"""ADICT's response bodies other than readings.

Codes have seven digits for data, ten for rights. Those that start with ``999`` are **invented**: no public source has
the number.
"""

from __future__ import annotations

import json
from typing import Any, Final

from flask import Response

NDJSON: Final = "application/x-ndjson"
JSON: Final = "application/json"

SUCCESS: Final = "0000000000"
WAITING_FOR_HOLDER: Final = "0000000002"

# Refusals of data, with HTTP 200.
REFUSALS: Final = {
    "1000000": "Le titulaire du contrat semble avoir quitté le logement.",
    "1000001": "Le droit d'accès est arrivé à échéance.",
    "1000002": "Aucun droit d'accès pour ce point de comptage.",
    "1000003": "Aucune accréditation récente trouvée",
    "1000008": "Aucune donnée pour ce point de comptage sur la période demandée.",
    "1000009": "Le périmètre consenti ne comprend pas les données publiées.",
    "1000010": "Le périmètre consenti ne comprend pas les données informatives.",
    "1000011": "La preuve de consentement n'est pas valable.",
    "1000014": "Le titulaire a révoqué le droit d'accès.",
    "2000100": "Erreur du serveur sur une partie de la réponse : redemander cette période.",
    "9990001": "Vous avez révoqué ce droit d'accès.",
    "9990002": "GRDF a révoqué ce droit d'accès à la demande du titulaire.",
    "9990003": "Le droit d'accès est obsolète.",
    "9990004": "Le tiers n'est pas, ou n'est plus, autorisé sur ce point de comptage.",
    "9990005": "Le périmètre consenti ne comprend pas ces données.",
}

# Client errors on data, with HTTP 400, or 404 for an unknown meter.
BAD_PCE: Final = ("9999401", "L'identifiant du point de comptage n'est pas valable.")
BAD_DATE: Final = ("9999404", "Donner date_debut et date_fin, sous la forme AAAA-MM-JJ.")
START_NOT_BEFORE_END: Final = ("9999405", "date_debut doit précéder date_fin.")
END_AFTER_TODAY: Final = ("9999406", "date_fin ne peut pas dépasser la date du jour.")
START_TOO_OLD: Final = ("9999407", "date_debut est antérieure à la profondeur autorisée.")
BAD_BEARER: Final = ("9999410", "L'en-tête Authorization doit commencer par « Bearer ».")
UNKNOWN_PCE: Final = ("9999440", "Ce point de comptage est inconnu.")


def body(payload: Any, status: int = 200, mimetype: str = JSON) -> Response:
    """Return a JSON response, with accents unescaped."""
    return Response(json.dumps(payload, ensure_ascii=False), status=status, mimetype=mimetype)


def restitution(code: str, message: str = "Refus.") -> dict[str, str]:
    """Return the status object of the data endpoints."""
    return {"code": code, "message": REFUSALS.get(code, message)}


def data_error(error: tuple[str, str], status: int = 400) -> Response:
    """Return a refusal of a data endpoint, by its code and message."""
    return body({"statut_restitution": restitution(*error)}, status)


def treatment(code: str, message: str) -> dict[str, str]:
    """Return the status object of the access-right endpoints."""
    return {"code_statut_traitement": code, "message_retour_traitement": message}


def rights_answer(message: str, code: str = "9999999400", status: int = 400) -> Response:
    """Return an answer of an access-right endpoint, by default a refusal."""
    return body(treatment(code, message), status)


def gateway_error(message: str, status: int) -> Response:
    """Return a refusal by the gateway in front of ADICT."""
    return body({"erreur": message}, status)
