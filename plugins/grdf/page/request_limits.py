"""Limits on the size, duration and encoding of a request, applied before it is parsed and before the login is checked.

FastAPI reads a whole form into memory before it checks who sent it. So this middleware, the outermost one, reads each
body itself and passes it on whole. Its limit is far above what any form of the page needs. A request that is larger or
too slow is refused at once and its connection closed, so that the server stops reading it as well. Files are larger:
their routes read them after the login was checked, and this middleware only counts.
"""

from __future__ import annotations

import asyncio
import re

from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from grdf.page.guard import guard

LARGEST_BODY = 16_384
"""Bytes. The largest form, about the person who will consent, has three texts of 100 characters."""
LARGEST_ADDRESS = 16_384
"""Bytes of path and query. GRDF's answers and household links have a few hundred."""
LARGEST_HEADERS = 49_152
"""Bytes of all headers. A cookie has at most 4,096, and each tab that connects a household has one."""
LARGEST_UPLOAD = 13 * 1024 * 1024
"""Bytes of a request with files: three proofs of 4 MB, or one file of households."""
UPLOADS = re.compile(r"/(?:import|connect/[^/]+/proofs)/upload\Z")
"""How the paths end whose routes read their bodies themselves, after they have checked the login. ``upload`` may be an
account's id, so the last word of a path says nothing."""
BODY_SECONDS = 10.0
"""Seconds within which the whole body must arrive."""

TOO_LARGE = "Refused: this request is larger than any form of this page. Nothing was read from it.\n"
TOO_SLOW = "Refused: this request came too slowly. Send it again.\n"
ADDRESS_TOO_LONG = "Refused: this address is longer than any address of this page.\n"
NOT_UTF_8 = "Refused: the forms of this page are sent as UTF-8.\n"
HEADERS_TOO_LARGE = "Refused: the headers of this request are too large. Delete this site's cookies and try again.\n"


class Limits:
    """Middleware that refuses requests that are too large or too slow.

    :param app: the application that gets the other requests, each with its whole body
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        with_files = scope["method"] == "POST" and takes_files(scope["path"])
        refused = _head_refused(scope, LARGEST_UPLOAD if with_files else LARGEST_BODY)
        if refused is None and with_files:
            await _Files(receive, send).pass_to(self.app, scope)
            return
        body = b""
        if refused is None:
            try:
                body = await whole_body(receive, LARGEST_BODY)
            except TooLarge:
                refused = refusal(413, TOO_LARGE)
            except TimeoutError:
                refused = refusal(408, TOO_SLOW)
        if refused:
            scope["query_string"] = b""  # as Guard does, for Airflow's access log
            await refused(scope, receive, send)
        else:
            await self.app(scope, again(body, receive), send)


def takes_files(path: str) -> bool:
    """Return whether a path is that of a route that takes files."""
    return UPLOADS.search(path) is not None


class TooLarge(Exception):
    """The body of a request is larger than allowed."""


def _head_refused(scope: Scope, largest: int) -> PlainTextResponse | None:
    """Return a refusal based on what is known before the body, ``None`` to go on.

    :param largest: bytes that the body may have
    """
    raw_path: bytes = scope.get("raw_path") or scope["path"].encode(errors="replace")
    if len(raw_path) + len(scope["query_string"]) > LARGEST_ADDRESS:
        return refusal(414, ADDRESS_TOO_LONG)
    if sum(len(name) + len(value) for name, value in scope["headers"]) > LARGEST_HEADERS:
        return refusal(431, HEADERS_TOO_LARGE)
    if not _is_utf_8(Headers(scope=scope).get("Content-Type", "")):
        return refusal(415, NOT_UTF_8)
    length = Headers(scope=scope).get("Content-Length", "")
    # If it is not a number, the server refuses it. Either way, the bytes that arrive are counted.
    if length.isascii() and length.isdigit() and (len(length) > 9 or int(length) > largest):
        return refusal(413, TOO_LARGE)
    return None


def _is_utf_8(content_type: str) -> bool:
    """Return whether a form with parts is UTF-8.

    Starlette would decode it with any of Python's codecs. Some fail in ways that it does not expect, others give half a
    character, which fails where it is written again.
    """
    kind, options = parse_options_header(content_type.encode("latin-1"))
    return kind != b"multipart/form-data" or options.get(b"charset", b"utf-8").lower() in (b"utf-8", b"utf8")


async def whole_body(receive: Receive, largest: int) -> bytes:
    """Read the body of a request.

    :param largest: bytes that it may have
    :return: the body; empty if the client has disconnected
    :raises TooLarge: if it is larger
    :raises TimeoutError: if it does not arrive within :data:`BODY_SECONDS`
    """
    body = bytearray()
    more = True
    async with asyncio.timeout(BODY_SECONDS):
        while more:
            message = await receive()
            if message["type"] != "http.request":  # nobody needs the rest
                return b""
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > largest:
                raise TooLarge
    return bytes(body)


class _Files:
    """A request with files, whose body is passed on until it is too large.

    If the response starts before the whole body has come, as for somebody who may send no files, the connection is
    closed after it: otherwise the server would read the rest.
    """

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._left = LARGEST_UPLOAD
        self._is_read = False

    async def pass_to(self, app: ASGIApp, scope: Scope) -> None:
        await app(scope, self._counted, self._closing)

    async def _counted(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise HTTPException(413, "too large")
        self._is_read = self._is_read or not message.get("more_body", False)
        return message

    async def _closing(self, message: Message) -> None:
        if message["type"] == "http.response.start" and not self._is_read:
            MutableHeaders(scope=message)["Connection"] = "close"
        await self._send(message)


def again(body: bytes, receive: Receive) -> Receive:
    """Return a ``receive`` that first replays a body already read, then passes on later messages."""
    waiting = [body]

    async def receive_again() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return receive_again


def refusal(status: int, text: str) -> PlainTextResponse:
    """Return a response that says why nothing was done with a request, and closes its connection."""
    answer = PlainTextResponse(text, status, {"Connection": "close"})  # otherwise the server would read the rest
    guard(MutableHeaders(raw=answer.raw_headers))
    return answer
