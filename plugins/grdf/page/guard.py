"""Protects the page alone: no cross-site changes, limited bodies, security headers, no queries in logs."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from airflow.sdk import conf
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from grdf.page.html.render import home_link, problem

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
FORM = (16_384, 10.0)
"""Largest body of a request in bytes, and seconds for it."""
UPLOAD = (13 * 1024 * 1024, 120.0)
"""The same for three proofs of 4 MB or one import file, read once the sender is known."""
UPLOADS = ("/import/upload", "/proofs/upload")
CSP = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'self'",
}


def policy(**changes: str) -> str:
    """Return the Content-Security-Policy."""
    return "; ".join(f"{name} {value}" for name, value in (CSP | changes).items())


HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": policy(),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    # A query may hold a code, a link or a search, and proxies log the referrer. With "no-referrer" browsers send
    # "Origin: null" with every form (Fetch, 3.2).
    "Referrer-Policy": "strict-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
}


class Guard:
    """Refuses unsafe cross-site requests, limits bodies and adds security headers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, or refuse it."""
        if scope["type"] != "http":  # no route takes a WebSocket, whose address uvicorn logs on refusal
            _hide(scope)
            await self.app(scope, receive, send)
            return
        body = _Body(scope, receive)
        mounted = scope.get("endpoint")

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if body.is_left:
                    headers["Connection"] = "close"  # otherwise the server would read the rest
                guard(headers)
            await send(message)

        try:
            if scope["method"] not in SAFE_METHODS and not same_site(Headers(scope=scope), scope["scheme"]):
                request = Request(scope)
                answer = problem(request, 403, "error.other_site", home_link(request))
                await answer(scope, receive, send_guarded)
            else:
                await self.app(scope, body.receive, send_guarded)
        finally:
            # Airflow's access log reads this scope afterwards. The query may contain GRDF's code, a household's link or
            # a meter's number, and so may a path that leads nowhere: mail programs turn a link's question mark into
            # %3F.
            scope["query_string"] = b""
            if scope.get("endpoint") is mounted:  # no route has taken it
                _hide(scope)


def _hide(scope: Scope) -> None:
    scope["query_string"], scope["path"] = b"", f"{scope.get('root_path', '')}/[hidden]"


class _Body:
    """A request's body, passed on until it is too large or slow."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        headers = Headers(scope=scope)
        self._receive = receive
        self._left, seconds = UPLOAD if scope["path"].endswith(UPLOADS) else FORM
        self._until = asyncio.get_running_loop().time() + seconds
        self.is_left = "Transfer-Encoding" in headers or headers.get("Content-Length", "0") != "0"

    async def receive(self) -> Message:
        """Return the next part; ``HTTPException`` 408 if it comes too slowly, 413 if it is too large."""
        if not self.is_left:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            raise HTTPException(408, "too slow") from None
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise HTTPException(413, "too large")
        self.is_left = bool(message.get("more_body"))
        return message


def guard(headers: MutableHeaders) -> None:
    """Add the security headers that a response lacks."""
    for name, value in HEADERS.items():
        headers.setdefault(name, value)


def same_site(headers: Headers, scheme: str) -> bool:
    """Return whether an unsafe request comes from Airflow's own site, or from a program.

    A browser's POST has an ``Origin``. Without it, a bearer token or no cookie shows that no other site misled a
    browser.

    :param scheme: with which the request came, as far as a proxy that ends TLS says so
    """
    origin = headers.get("Origin")
    if origin is None:
        return "Authorization" in headers or "Cookie" not in headers

    # A proxy that ends TLS may not say so: then [api] base_url knows it of operators' address. A page of this host that
    # came over HTTPS is no other site's in any case, and one without HTTPS may be anybody's.
    host, base = headers.get("Host", ""), urlsplit(conf.get("api", "base_url", fallback=""))
    if host == base.netloc:
        scheme = base.scheme
    return origin in {f"{base.scheme}://{base.netloc}", f"{scheme}://{host}", f"https://{host}"}
