"""What holds for every request and every answer of the page.

No cross-site request changes anything, and an answer tells the browser what may be done with it.
It is a middleware, so that no route can be added without it.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from airflow.sdk.configuration import conf
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
SECRET_ADDRESSES = ("/callback", "/household")
"""Paths whose query is a secret: GRDF's code, a household's link. No other request may say that it comes from there."""
REFUSED = "Refused: this request came from another site. Open the page Gas accounts in Airflow and try it there.\n"
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
    """Return the Content-Security-Policy.

    :param changes: directives that one page needs otherwise
    """
    return "; ".join(f"{name} {value}" for name, value in (CSP | changes).items())


HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": policy(),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    # Not "no-referrer": with it browsers send "Origin: null" with a form, also to its own site (Fetch, 3.2).
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
}


class Guard:
    """Refuse cross-site requests that could change something, and put the security headers on every answer.

    :param app: what it watches over
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if scope["path"].rstrip("/").endswith(SECRET_ADDRESSES):
                    # Proxies log the referrer, too. The origin alone: a form's own Origin header stays as it is.
                    headers.setdefault("Referrer-Policy", "strict-origin")
                guard(headers)
            await send(message)

        try:
            if scope["method"] not in SAFE_METHODS and not same_site(Headers(scope=scope)):
                await PlainTextResponse(REFUSED, 403)(scope, receive, send_guarded)
            else:
                await self.app(scope, receive, send_guarded)
        finally:
            # Airflow's access log writes the query of each request when all is done, and reads it from here. It may
            # hold GRDF's code, a household's link or a meter's number, and also where the path is none of ours.
            scope["query_string"] = b""


class Unlogged:
    """Keep GRDF's code and state and a household's link out of the logs of Airflow's whole API server.

    They may land beside the page: with a slash too many before its path, or as the handshake of a WebSocket.

    :param app: all of Airflow's API server, inside its access log
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; its query is emptied before it is logged."""
        secret = _holds_secret(scope.get("query_string", b""))
        if secret and scope["type"] == "websocket":  # uvicorn logs it as it answers; nothing here reads it
            scope["query_string"] = b""
        try:
            await self.app(scope, receive, send)
        finally:
            if secret:  # see Guard
                scope["query_string"] = b""


def _holds_secret(query: bytes) -> bool:
    """Return whether a query has GRDF's code or state, or a link; a state in Airflow's own queries is a short word."""
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    words = [(name.casefold(), value) for name, value in pairs]
    return any(name.endswith(("code", "token")) or ("state" in name and len(value) > 40) for name, value in words)


def guard(headers: MutableHeaders) -> None:
    """Put the security headers on an answer; one that the route has set itself stays.

    :param headers: the answer's headers
    """
    for name, value in HEADERS.items():
        headers.setdefault(name, value)


def same_site(headers: Headers) -> bool:
    """Return whether a request that changes something comes from Airflow's own site, or from no browser at all.

    A browser says where a request comes from: in ``Sec-Fetch-Site`` when it talks to https or to this machine (W3C,
    Fetch Metadata), and in ``Origin`` with every POST. ``same-site`` is another host of the same domain: refused.
    Without either it is a program; one that carries a bearer token, or no cookie, is no browser that was led here.

    :param headers: the request's headers
    """
    site = headers.get("Sec-Fetch-Site")
    if site is not None and site != "same-origin":
        return False
    origin = headers.get("Origin")
    if origin is not None:
        # The scheme is left out: behind a proxy that ends TLS, this server does not see the one the browser used.
        return _host(origin) in {headers.get("Host"), _host(conf.get("api", "base_url", fallback=""))} - {None, ""}
    return site is not None or "Authorization" in headers or "Cookie" not in headers


def _host(address: str) -> str | None:
    try:
        return urlsplit(address).netloc
    except ValueError:
        return None
