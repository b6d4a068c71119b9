"""Where a stored connection leads, and whether what somebody types into a *Test* leads there, too.

Airflow 3.3.2 fills in the stored password and the stored secrets of the extra while host and port are the stored ones.
But the type says as well where they go, so does the schema of some types, and the extra of others: the HTTP type puts a
typed schema before the host, takes a proxy from the extra, and sends the rest of the extra as headers.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from grdf.connection_types import OURS

if TYPE_CHECKING:
    from airflow.api_fastapi.core_api.datamodels.connections import ConnectionBody
    from airflow.models.connection import Connection

DATABASES = frozenset(("mssql", "mysql", "postgres", "redshift", "trino", "vertica"))
"""Types whose schema is the name of a database on the server. People try another one."""
NAME = re.compile(r"[\w.-]*")
"""A name of a database. Drivers read some others as addresses."""
MASKED = "***"
"""What Airflow shows, and its forms send back, for a value that is hidden."""


def lacks_secret(typed: ConnectionBody, stored: Connection) -> bool:
    """Return whether what is typed lacks a secret that the stored connection has."""
    password = typed.password not in (None, "", MASKED) or not stored.password
    return not password or MASKED in (typed.extra or "")


def changes(typed: ConnectionBody, stored: Connection) -> list[str]:
    """Return the fields by which a *Test* would lead elsewhere than the stored connection.

    :param stored: is changed as Airflow changes it, so that what is compared is what Airflow would use
    """
    from airflow.api_fastapi.core_api.services.public.connections import update_orm_from_pydantic

    before = _place(stored)
    update_orm_from_pydantic(stored, typed.model_copy())  # it also changes which fields count as typed
    after = _place(stored)
    # No address in the extra of our own types gets a secret unseen: see grdf.provider.secret_kept.
    free = "extra" if stored.conn_type in OURS else ""
    if stored.conn_type in DATABASES and NAME.fullmatch(after["schema"]):
        free = "schema"
    return [name for name in before if after[name] != before[name] and name != free]


def _place(connection: Connection) -> dict[str, Any]:
    return {
        "type": connection.conn_type,
        "host": connection.host or "",
        "port": connection.port or "",
        "schema": connection.schema or "",
        "login": connection.login or "",  # the host of some types is made of it, as of Azure's storage
        "extra": _extra(connection.extra),
    }


def _extra(text: str | None) -> str:
    try:
        return json.dumps(json.loads(text or "{}"), sort_keys=True)
    except (ValueError, RecursionError):
        return text or ""
