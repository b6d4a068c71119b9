"""The state of GRDF's check of a consent's proof (``statut_controle_preuve``), whatever its spelling."""

from __future__ import annotations

import re
from datetime import date

from include.gas.answers.words import day_in, fold

ASKED = "asked"
CHECKING = "checking"
ACCEPTED = "accepted"
REFUSED = "refused"
UNKNOWN = "unknown"
STATES = (ASKED, CHECKING, ACCEPTED, REFUSED, UNKNOWN)

_RULES: tuple[tuple[str, frozenset[str]], ...] = (
    (REFUSED, frozenset({"ko", "refusee", "refuse", "rejetee", "rejete", "invalide", "invalidee"})),
    (ACCEPTED, frozenset({"ok", "validee", "valide", "acceptee"})),
    (ASKED, frozenset({"attente", "attendue", "demandee"})),
    (CHECKING, frozenset({"verification", "cours", "controle"})),
)
"""The first rule with one of the folded words wins: GRDF's "Vérifiée" is in two of its phrases and decides nothing."""


def proof_state(value: object) -> str:
    """Return the state of the check, one of :data:`STATES`; ``""`` if GRDF checks nothing.

    :param value: ``statut_controle_preuve``; words that nobody knows are :data:`UNKNOWN`
    """
    words = frozenset(re.findall(r"[a-z]+", fold(value)))
    if value is None or value == "" or (isinstance(value, str) and not value.strip()):
        return ""
    if words & {"non", "pas"}:
        return UNKNOWN
    return next((state for state, known in _RULES if words & known), UNKNOWN)


def proof_deadline(value: object) -> date | None:
    """Return the last day to send a proof (``date_limite_transmission_preuve``); ``None`` if it cannot be read.

    :param value: a day or a timestamp, or a day as the French write it, ``31/07/2026``
    """
    french = re.match(r"(\d{2})/(\d{2})/(\d{4})\b", value.strip()) if isinstance(value, str) else None
    return day_in("-".join(reversed(french.groups())) if french else value)
