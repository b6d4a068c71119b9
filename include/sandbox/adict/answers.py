"""ADICT's response bodies other than readings.

Codes with seven digits belong to data endpoints, codes with ten digits to access rights. Codes that start with ``999``
are **invented**: GRDF documents the situation, but no public source gives its number.
"""

from __future__ import annotations

import json
from typing import Any, Final

from flask import Response

NDJSON: Final = "application/x-ndjson"
JSON: Final = "application/json"

SUCCESS: Final = "0000000000"
WAITING_FOR_HOLDER: Final = "0000000002"

#: Refusals of data, sent with HTTP 200.
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
    "9990006": "La période demandée dépasse celle du consentement.",
}

#: Client errors on data endpoints, sent with HTTP 400.
BAD_PCE: Final = ("9999401", "L'identifiant du point de comptage n'est pas valable.")
BOTH_OR_NONE: Final = ("9999402", "Donner soit periode, soit date_debut et date_fin.")
ONE_DATE: Final = ("9999403", "date_debut et date_fin vont ensemble.")
BAD_DATE: Final = ("9999404", "Une date doit s'écrire AAAA-MM-JJ.")
START_NOT_BEFORE_END: Final = ("9999405", "date_debut doit précéder date_fin.")
END_AFTER_TODAY: Final = ("9999406", "date_fin ne peut pas dépasser la date du jour.")
START_TOO_OLD: Final = ("9999407", "date_debut est antérieure à la profondeur autorisée.")
BAD_PERIOD: Final = ("9999408", "La forme de periode n'est pas reconnue.")
BAD_FILTER: Final = ("9999409", "Valeur de filtre inconnue.")
BAD_BEARER: Final = ("9999410", "L'en-tête Authorization doit commencer par « Bearer ».")
UNKNOWN_PCE: Final = ("9999440", "Ce point de comptage est inconnu.")


def body(payload: Any, status: int = 200, mimetype: str = JSON) -> Response:
    """Return a JSON response, with accents unescaped.

    :param payload: any JSON value
    :param mimetype: content type without charset
    """
    return Response(json.dumps(payload, ensure_ascii=False), status=status, mimetype=mimetype)


def data_error(error: tuple[str, str], status: int = 400) -> Response:
    """Return a refusal of a data endpoint, as ``statut_restitution``.

    :param error: code and message
    """
    return body({"statut_restitution": {"code": error[0], "message": error[1]}}, status)


def treatment(code: str, message: str) -> dict[str, str]:
    """Return the status object of the access-right endpoints.

    :param code: ten digits
    :param message: French text
    """
    return {"code_statut_traitement": code, "message_retour_traitement": message}


def rights_error(code: str, message: str, status: int) -> Response:
    """Return a refusal of an access-right endpoint.

    :param code: ten digits
    :param message: French text
    """
    return body(treatment(code, message), status)


def gateway_error(message: str, status: int, retry_after: float | None = None) -> Response:
    """Return a refusal by the gateway in front of ADICT, with the key ``erreur``.

    :param message: French text
    :param retry_after: seconds for the header ``Retry-After``; ``None`` for no header
    """
    answer = body({"erreur": message}, status)
    if retry_after is not None:
        answer.headers["Retry-After"] = f"{retry_after:g}"
    return answer
