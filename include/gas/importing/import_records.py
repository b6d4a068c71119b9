"""How an import signs what it records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from include.gas.account.sections.marks import Connected
from include.gas.account.sections.section import members

BY = "import by "
"""How it begins who recorded a consent. Records have this text stored and it is compared with: never reword it."""


def proof_of(number: int, file: str) -> str:
    """Return where the proof of a consent is kept, for its record. It is stored and compared: never reword it.

    :param number: number of the household's line
    :param file: name of the import's file
    """
    return f"line {number} of {file}"


def is_imported(document: Mapping[str, Any]) -> bool:
    """Return whether an import was the last that connected an account."""
    return str(members(document.get(Connected.key)).get("by") or "").startswith(BY)
