"""The records of consents that an import keeps: which are its own, and on which of them a right may rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from include.gas.account.account import Account
from include.gas.account.sections.sent_declarations import SentDeclarations
from include.gas.documents.stored_documents import ConsentRecord
from include.gas.errors import BadAccount

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


def may_rest_on(document: Mapping[str, Any] | None, record: ConsentRecord) -> bool:
    """Return whether GRDF has or may have a right that a record proves.

    :param document: the document of the record's account; ``None`` if there is none
    """
    if document is None:
        return False
    entered = record.entered
    name = entered.name or entered.company
    if any(sent.pce == record.pce and sent.is_for(name, entered.email) for sent in SentDeclarations.of(document)):
        return True
    try:
        meters = Account.from_document(document).meters
    except BadAccount:
        return True
    rights = (right for meter in meters if meter.pce == record.pce for right in meter.rights)
    return any(right.id_accreditation and right.brought >= record.given for right in rights)
