"""The records of consents that an import keeps: which are its own."""

from __future__ import annotations

from include.gas.documents.stored_consent import ConsentRecord

BY = "import by "
"""How it begins who recorded a consent. Records have this text stored and it is compared with: never reword it."""


def proof_of(number: int, file: str) -> str:
    """Return where the proof of a consent is kept, for its record. It is stored and compared: never reword it.

    :param number: number of the household's line
    :param file: name of the import's file
    """
    return f"line {number} of {file}"


def is_of_import(record: ConsentRecord, file: str) -> bool:
    """Return whether an import of a file has made a record."""
    return record.by.startswith(BY) and record.proof.endswith(f" of {file}")
