"""The client at GRDF that an account belongs to. Rights belong to the client, so it never changes by itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from include.gas.account.document_sections import with_value
from include.gas.documents.day_documents import Document
from include.gas.errors import BadAccount, ClientUnknown

DEFAULT = "grdf_adict"
"""Connection of accounts that name none. Fixed: the first of a setting would change with its order."""
CONNECTION_ID = re.compile(r"(?!(?i:.*_delete|grdfgrandlyon)$)[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
"""Excludes connections with a secret that revokes, in upper or lower case: environment variables have upper case."""

KEY = "grdf_connection"
"""Key in account documents."""


def client_of(document: Mapping[str, Any]) -> str:
    """Return the connection of an account's client; ``ClientUnknown`` if none: no other one may be asked instead."""
    if KEY not in document:
        return DEFAULT
    named = document[KEY]
    if isinstance(named, str) and CONNECTION_ID.fullmatch(named):
        return named
    raise ClientUnknown.about(
        str(document.get("_id")),
        f"its {KEY} is not the id of an Airflow connection, so it is not known which client at GRDF has its rights",
        f"GRDF was not asked. Correct {KEY} in the account's document in io-cozy-accounts, or remove it if "
        f"the client is that of {DEFAULT}.",
    )


def client_or_empty(document: Mapping[str, Any]) -> str:
    """Return the same, or ``""`` where it is not known."""
    try:
        return client_of(document)
    except BadAccount:
        return ""


def with_client(document: Mapping[str, Any], connection: str) -> Document:
    """Return the document of a new account with its client."""
    return with_value(document, KEY, None if connection == DEFAULT else connection)
