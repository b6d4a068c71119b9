"""A *Test* of a stored connection reaches no server that the connection does not name.

Airflow 3.3.2 fills in the stored password while host and port are the stored ones (``_same_endpoint`` of its route
``/connections/test``), also of a connection in the API server's environment, which nobody can read in its UI. But the
type and the schema say as well where a password goes: the HTTP type puts a typed schema before the host.
"""

from __future__ import annotations

import json
import re
from typing import Any

from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import AirflowNotFoundException
from anyio import to_thread
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ROUTE = re.compile(r"/connections/test/?$")
LARGEST = 1_000_000
"""Bytes of a request's body. A connection's fields have a few thousand."""
PLAIN = re.compile(r"[\w.-]*")
"""A schema that is a name, as of a database. It leads nowhere, and people try another one."""
MASKED = "***"
"""What the form sends for a password that stays as it is stored."""
ELSEWHERE = "the-type-or-the-schema-is-not-the-stored-one.invalid"
"""What Airflow is told as the host then. It refuses to fill in a stored password for another host than the stored one,
after it has looked who asks."""


class TestedAsStored:
    """Middleware that lets Airflow fill in a stored password for the stored type only, and for no address as a schema.

    :param app: the whole of Airflow's API server
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http" or scope["method"] != "POST" or not ROUTE.search(scope["path"]) or not _is_on():
            await self.app(scope, receive, send)
            return
        body = await _body(receive)
        if body is None:
            await PlainTextResponse("Refused: a connection does not take that much text.\n", 413)(scope, receive, send)
            return
        sent = _fields(body)
        if sent is not None:
            if await to_thread.run_sync(_is_elsewhere, sent):
                sent["host"] = ELSEWHERE
            body = json.dumps(sent).encode()  # written anew, so that Airflow reads what was looked at
            scope = {**scope, "headers": [(k, v) for k, v in scope["headers"] if k != b"content-length"]}
        messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def again() -> Message:
            return messages.pop() if messages else await receive()

        await self.app(scope, again, send)


def _is_on() -> bool:
    return str(conf.get("core", "test_connection", fallback="Disabled")).casefold() == "enabled"


async def _body(receive: Receive) -> bytes | None:
    """Return a request's body; ``None`` if it is too large."""
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if len(body) > LARGEST:
            return None
        if not message.get("more_body"):
            return body


def _fields(body: bytes) -> dict[str, Any] | None:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None


def _is_elsewhere(sent: dict[str, Any]) -> bool:
    """Return whether a stored password would be sent by another type, or with another schema."""
    name = sent.get("connection_id")
    if not isinstance(name, str) or sent.get("password") not in (None, "", MASKED):
        return False
    from airflow.models.connection import Connection

    try:
        stored = Connection.get_connection_from_secrets(name)
    except AirflowNotFoundException:
        return False
    typed = str(sent.get("schema") or "")
    leads = typed != (stored.schema or "") and ("http" in typed.casefold() or not PLAIN.fullmatch(typed))
    return ("schema" in sent and leads) or sent.get("conn_type") != stored.conn_type
