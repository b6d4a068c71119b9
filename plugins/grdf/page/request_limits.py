"""How large and how slow a request may be, before anything of it is understood and before anybody has logged in.

FastAPI reads a whole form before it asks who sent it, and keeps all of it in memory. So this middleware, the outermost
one, reads each body itself, up to far more than any form of the page holds, and hands it on whole. What is larger is
answered at once and the connection closed, so that the server reads no more of it either; so is what drips.
"""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from grdf.page.guard import guard

LARGEST_BODY = 16_384
"""Bytes; the largest form, who is about to consent, holds three texts of 100 characters."""
LARGEST_ADDRESS = 16_384
"""Bytes of path and query; GRDF's answer and a household's link have some hundreds."""
LARGEST_HEADERS = 49_152
"""Bytes of all headers; a cookie has at most 4,096, and each tab that connects a household has one."""
BODY_SECONDS = 10.0
"""Within which a body must be here."""

TOO_LARGE = "Refused: this request is larger than any form of this page. Nothing was read from it.\n"
TOO_SLOW = "Refused: this request came too slowly. Send it again.\n"
ADDRESS_TOO_LONG = "Refused: this address is longer than any address of this page.\n"
HEADERS_TOO_LARGE = "Refused: the headers of this request are too large. Delete this site's cookies and try again.\n"


class Limits:
    """Refuse what is too large or too slow, and hand on the rest with its whole body.

    :param app: what it stands before
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        refused = _head_refused(scope)
        body = b""
        if refused is None:
            try:
                async with asyncio.timeout(BODY_SECONDS):
                    body = await _whole_body(receive)
            except _TooLarge:
                refused = _refusal(413, TOO_LARGE)
            except TimeoutError:
                refused = _refusal(408, TOO_SLOW)
        if refused:
            scope["query_string"] = b""  # as Guard does, for Airflow's access log
            await refused(scope, receive, send)
        else:
            await self.app(scope, _again(body, receive), send)


class _TooLarge(Exception):
    """There is more of it than any form of the page holds."""


def _head_refused(scope: Scope) -> PlainTextResponse | None:
    """Refuse by what is known before the body."""
    raw_path: bytes = scope.get("raw_path") or scope["path"].encode(errors="replace")
    if len(raw_path) + len(scope["query_string"]) > LARGEST_ADDRESS:
        return _refusal(414, ADDRESS_TOO_LONG)
    if sum(len(name) + len(value) for name, value in scope["headers"]) > LARGEST_HEADERS:
        return _refusal(431, HEADERS_TOO_LARGE)
    length = Headers(scope=scope).get("Content-Length", "")
    # One that is no number is the server's to refuse; whatever it says, what comes is counted.
    if length.isascii() and length.isdigit() and (len(length) > 9 or int(length) > LARGEST_BODY):
        return _refusal(413, TOO_LARGE)
    return None


async def _whole_body(receive: Receive) -> bytes:
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":  # the sender has gone: what there is of it is nobody's any more
            return b""
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > LARGEST_BODY:
            raise _TooLarge
    return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    """Return a body that was read once more, and then what else there is to hear of."""
    waiting = [body]

    async def receive_again() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return receive_again


def _refusal(status: int, text: str) -> PlainTextResponse:
    answer = PlainTextResponse(text, status, {"Connection": "close"})  # or the server would read the rest of it
    guard(MutableHeaders(raw=answer.raw_headers))
    return answer
