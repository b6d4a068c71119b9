"""The state of GRDF's check of a right's proof (``statut_controle_preuve``)."""

from __future__ import annotations

import re
from datetime import date

from include.gas.answers.french_words import day_in, fold

ASKED = "asked"
CHECKING = "checking"
ACCEPTED = "accepted"
REFUSED = "refused"
UNKNOWN = "unknown"
_WORDS = {
    "preuve en attente": ASKED,
    "preuve en cours de verification": CHECKING,
    "preuve verifiee ok": ACCEPTED,
    "preuve verifiee ko": REFUSED,
}


def proof_state(value: object) -> str:
    """Return the state of the check; ``""`` if GRDF checks nothing, :data:`UNKNOWN` for an unknown word."""
    words = " ".join(fold(value).split())
    return "" if value is None or value == "" else _WORDS.get(words, UNKNOWN)


def proof_deadline(value: object) -> date | None:
    """Return the last day to send a proof, from a day, a timestamp, or French ``31/07/2026``."""
    french = re.match(r"(\d{2})/(\d{2})/(\d{4})\b", value) if isinstance(value, str) else None
    return day_in("-".join(reversed(french.groups())) if french else value)
