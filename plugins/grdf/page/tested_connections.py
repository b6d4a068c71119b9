"""A *Test* sends what is stored of a connection only where the stored connection leads.

Airflow's route ``/connections/test`` fills in stored secrets, also of a connection in the API server's environment,
which nobody can read in its UI. Here it is decided before whether it may. If not, Airflow gets the request with the id
of a connection that does not exist: it then has nothing to fill in, and tests what is typed alone.
"""

from __future__ import annotations

import json
import re
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from fastapi import HTTPException, Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from grdf.page import security
from grdf.page.request_limits import TooLarge, again, refusal, whole_body
from grdf.page.stored_place import changes, lacks_secret

if TYPE_CHECKING:
    from airflow.api_fastapi.core_api.datamodels.connections import ConnectionBody

ROUTE = re.compile(r"/connections/test/?$")
LARGEST = 1_000_000
"""Bytes of a request's body. A connection's fields have a few thousand."""
TOO_LARGE = "Refused: a connection does not take that much text.\n"
TOO_SLOW = "Refused: this request came too slowly. Send it again.\n"


class TestedAsStored:
    """Middleware that lets Airflow fill in stored secrets only where the stored connection leads.

    :param app: the whole of Airflow's API server, inside what finds out who asks
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http" or scope["method"] != "POST" or not ROUTE.search(scope["path"]):
            await self.app(scope, receive, send)
            return
        try:
            body = await whole_body(receive, LARGEST)
        except TooLarge:
            await refusal(413, TOO_LARGE)(scope, receive, send)
            return
        except TimeoutError:
            await refusal(408, TOO_SLOW)(scope, receive, send)
            return
        fields = _fields(body)
        typed = _typed(fields)
        if typed is not None:
            asker = Request(scope, again(body, receive))
            elsewhere, lacking = await _compared(asker, typed)
            if lacking:
                # As the answer of a test, since Airflow's UI shows of an error its name alone.
                await JSONResponse({"status": False, "message": _refused(typed, elsewhere)})(scope, receive, send)
                return
            fields = typed.model_dump(exclude_unset=True)
            if elsewhere:
                fields["connection_id"] = f"typed_alone_{token_hex(8)}"
        scope = {**scope, "headers": [(k, v) for k, v in scope["headers"] if k != b"content-length"]}
        await self.app(scope, again(_written(fields), receive), send)


def _fields(body: bytes) -> dict[str, Any] | None:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None


def _written(fields: dict[str, Any] | None) -> bytes:
    """Return a body that says what was looked at, and cannot be read in another way."""
    try:
        return b"" if fields is None else json.dumps(fields).encode()
    except RecursionError:
        return b""


def _typed(fields: dict[str, Any] | None) -> ConnectionBody | None:
    """Return what is typed as Airflow reads it, ``None`` if Airflow will refuse it."""
    from airflow.api_fastapi.core_api.datamodels.connections import ConnectionBody

    try:
        return ConnectionBody.model_validate(fields)
    except (ValueError, RecursionError):
        return None


async def _compared(asker: Request, typed: ConnectionBody) -> tuple[list[str], bool]:
    """Compare what is typed with what is stored.

    :return: what leads elsewhere, and whether it then lacks a secret that is stored. Where nothing is stored that the
        asker may use, all is elsewhere and nothing is lacking
    """
    nothing = ["connection_id"], False
    try:
        visitor = await security.visitor(asker)
    except HTTPException:  # Airflow's route says so
        return nothing
    stored = await security.stored_connection(visitor, typed.connection_id, typed.team_name)
    if stored is None:
        return nothing
    lacking = lacks_secret(typed, stored)
    elsewhere = changes(typed, stored)
    return elsewhere, bool(elsewhere) and lacking


def _refused(typed: ConnectionBody, elsewhere: list[str]) -> str:
    return (
        f"Nothing was tested. What you typed differs from the stored connection {typed.connection_id} in "
        f"{', '.join(elsewhere)}, so Airflow does not fill in its stored secrets: they could go elsewhere. Put back "
        "what is stored, or type the password, too, and every value that is shown as ***: then what you typed is "
        "tested alone."
    )
