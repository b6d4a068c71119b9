"""Which of our clients at GRDF an account belongs to. A right is the client's, so this never changes by itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from include.gas.account.document_sections import with_value
from include.gas.documents.day_documents import Document
from include.gas.errors import BadAccount, ClientUnknown

DEFAULT = "grdf_adict"
"""The Airflow connection of an account that names none. It is fixed: if it were the first of a setting, a change of the
order would hand accounts to a client that has no rights to their meters."""
CONNECTION_ID = re.compile(r"(?!(?i:.*_delete|grdfgrandlyon)$)[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
"""The ids of connections that accounts may belong to: none of those with a secret that revokes, in whatever case, since
Airflow's environment variables have no other; nor ``grdfgrandlyon``, whose secret would be the usual client's."""

KEY = "grdf_connection"
"""Key in account documents: the Airflow connection of the client. It alone may use, prove or end the account's rights.
"""


def client_of(document: Mapping[str, Any]) -> str:
    """Return the id of the Airflow connection that an account belongs to.

    Anything odd is an error: another client must not be asked instead.

    :raises ClientUnknown: if what is noted there cannot be the id of a connection
    """
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
    """Return the same, and ``""`` where it is not known."""
    try:
        return client_of(document)
    except BadAccount:
        return ""


def with_client(document: Mapping[str, Any], connection: str) -> Document:
    """Return the document of a new account that belongs to a client.

    :param connection: the id of the client's Airflow connection
    """
    return with_value(document, KEY, None if connection == DEFAULT else connection)
