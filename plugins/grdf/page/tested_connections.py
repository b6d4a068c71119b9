"""What of Airflow's *Test* of connections is let through: types of ours, in the API server, where they lead as stored.

Airflow's route ``/connections/test`` lets the API server itself try what somebody types. Some types read any file that
they are told to, and send it to an address of whoever asks: Amazon's so gave away the environment with the Fernet key
and all secrets (shown by an outsider). Nobody can say of hundreds of types which do that. So only our own are tested,
unless ``[grdf] test_all_types`` says otherwise. ``/connections/enqueue-test``, which Airflow's UI does not use, lets a
scheduler or a worker of any queue do it, among them the one that holds the secret for deletions: it is always refused.

The route also fills in stored secrets, also of a connection in the API server's environment, which nobody can read in
its UI. Here it is decided before whether it may. If not, Airflow gets the request with the id of a connection that does
not exist: it then has nothing to fill in, and tests what is typed alone.

Whoever is not logged in, or may not test, hears it from Airflow. But Airflow gets nothing then that it could test.
"""

from __future__ import annotations

import json
import re
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from fastapi import HTTPException, Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from grdf import settings
from grdf.connection_types import OURS
from grdf.dag_settings import or_default
from grdf.page import security
from grdf.page.request_limits import TooLarge, again, refusal, whole_body
from grdf.page.stored_place import changes, lacks_secret

if TYPE_CHECKING:
    from airflow.api_fastapi.core_api.datamodels.connections import ConnectionBody

ROUTE = re.compile(r"/connections/(?P<in_a_worker>enqueue-)?test/*\s*\Z", re.IGNORECASE)
"""How the path ends, below whatever path Airflow has. It is wider than Airflow's router, which takes a line's end for
the end of a path."""
LARGEST = 1_000_000
"""Bytes of a request's body. A connection's fields have a few thousand."""
TOO_LARGE = "Refused: a connection does not take that much text.\n"
TOO_SLOW = "Refused: this request came too slowly. Send it again.\n"
IN_A_WORKER = (
    "Nothing was tested. Connections are not tested in a worker or the scheduler, which have secrets of their own. Use "
    "Test in Airflow's form of the connection (POST /connections/test)."
)
NO_TYPE = "type_that_is_not_tested"
"""A type that no provider has, so that Airflow can try nothing with it."""


class TestedAsStored:
    """Middleware that lets Airflow test our own types alone, with stored secrets only where the stored one leads.

    :param app: the whole of Airflow's API server, inside what finds out who asks
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        found = ROUTE.search(scope["path"]) if scope["type"] == "http" and scope["method"].upper() == "POST" else None
        if found is None:
            await self.app(scope, receive, send)
        elif found["in_a_worker"]:
            await self._in_a_worker(scope, receive, send)
        else:
            await self._here(scope, receive, send)

    async def _in_a_worker(self, scope: Scope, receive: Receive, send: Send) -> None:
        if await _visitor(Request(scope)) is None:
            await self._passed_on(None, scope, receive, send)
        else:
            await JSONResponse({"detail": IN_A_WORKER}, 403, {"Connection": "close"})(scope, receive, send)

    async def _here(self, scope: Scope, receive: Receive, send: Send) -> None:
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
            visitor = await _visitor(Request(scope, again(body, receive)))
            fields = typed.model_dump(exclude_unset=True)
            if typed.conn_type not in OURS and not or_default(settings.test_all_types, False):
                if visitor is not None and await security.may_test(visitor):
                    await _answer(_of_another_type(typed))(scope, receive, send)
                    return
                fields["conn_type"] = NO_TYPE
            else:
                elsewhere, lacking = await _compared(visitor, typed)
                if lacking:
                    await _answer(_refused(typed, elsewhere))(scope, receive, send)
                    return
                if elsewhere:
                    fields["connection_id"] = f"typed_alone_{token_hex(8)}"
        await self._passed_on(fields, scope, receive, send)

    async def _passed_on(self, fields: dict[str, Any] | None, scope: Scope, receive: Receive, send: Send) -> None:
        scope = {**scope, "headers": [(k, v) for k, v in scope["headers"] if k != b"content-length"]}
        await self.app(scope, again(_written(fields), receive), send)


def _answer(message: str) -> JSONResponse:
    """Return a refusal as the answer of a test, since Airflow's UI shows of an error its name alone."""
    return JSONResponse({"status": False, "message": message})


async def _visitor(asker: Request) -> security.Visitor | None:
    try:
        return await security.visitor(asker)
    except HTTPException:  # Airflow's route says so
        return None


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


async def _compared(visitor: security.Visitor | None, typed: ConnectionBody) -> tuple[list[str], bool]:
    """Compare what is typed with what is stored.

    :return: what leads elsewhere, and whether it then lacks a secret that is stored. Where nothing is stored that the
        asker may use, all is elsewhere and nothing is lacking
    """
    if visitor is None:
        return ["connection_id"], False
    stored = await security.stored_connection(visitor, typed.connection_id, typed.team_name)
    if stored is None:
        return ["connection_id"], False
    lacking = lacks_secret(typed, stored)
    elsewhere = changes(typed, stored)
    return elsewhere, bool(elsewhere) and lacking


def _of_another_type(typed: ConnectionBody) -> str:
    return (
        f"Nothing was tested. Only connections of the types {', '.join(sorted(OURS))} are, and this one's is "
        f"{typed.conn_type!r:.60}: some types let whoever may test them read the API server's files and secrets. "
        "[grdf] test_all_types switches this on for all types; docs/install.md says what that gives away."
    )


def _refused(typed: ConnectionBody, elsewhere: list[str]) -> str:
    return (
        f"Nothing was tested. What you typed differs from the stored connection {typed.connection_id} in "
        f"{', '.join(elsewhere)}, so Airflow does not fill in its stored secrets: they could go elsewhere. Put back "
        "what is stored, or type the password, too, and every value that is shown as ***: then what you typed is "
        "tested alone."
    )
