"""Protection for every request to the page and every response from it.

Cross-site requests cannot change anything, and the headers of each response tell the browser what it may do with it.
This is a middleware, so it also covers every route added later.
"""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from airflow.sdk.configuration import conf
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
SECRET_ADDRESSES = ("/callback", "/household", "/household/direct")
"""Paths whose query is secret: GRDF's code, or a household's link. It must not appear in the referrer of a request."""
SECRET = re.compile(r"(?:code|token)[\s+]*=|state[^&;=]*=[^&;]{41}|gAAAA", re.IGNORECASE)
"""What in an address shows GRDF's code or state, or a household's link, which is sealed by Fernet.

Airflow's own queries also have a ``state``, but there it is a short word.
"""
QUERY_IN_PATH = re.compile(r"[?=;%&]|gAAAA")
"""Where a path may begin to be a query, or to be sealed. ``deploy/nginx.conf`` cuts at the same; a test compares them.

No address of the page or of Airflow's that anybody needs to find in a log has one of these in its path.
"""
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

    :param changes: directives to replace for one page
    """
    return "; ".join(f"{name} {value}" for name, value in (CSP | changes).items())


HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": policy(),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    # Not "no-referrer": with it, browsers send "Origin: null" with every form, even to the same site (Fetch, 3.2).
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
}


class Guard:
    """Middleware that refuses unsafe cross-site requests and adds the security headers to every response.

    :param app: the application to protect
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if scope["path"].rstrip("/").endswith(SECRET_ADDRESSES):
                    # Proxies log the referrer too, so send only the origin. A form's Origin header stays as it is.
                    headers.setdefault("Referrer-Policy", "strict-origin")
                guard(headers)
            await send(message)

        try:
            if scope["method"] not in SAFE_METHODS and not same_site(Headers(scope=scope)):
                await PlainTextResponse(REFUSED, 403)(scope, receive, send_guarded)
            else:
                await self.app(scope, receive, send_guarded)
        finally:
            # Airflow's access log reads the query from here once the request is done. The query may contain GRDF's
            # code, a household's link or a meter's number, even when the path is not one of the page's.
            scope["query_string"] = b""


class Unlogged:
    """Middleware that keeps GRDF's code and state and household links out of the logs of the whole API server.

    They may come to addresses outside the page: with an extra slash before its path, or in a WebSocket handshake. And
    they may be part of the path: programs that handle mail write a link's question mark as ``%3F``.

    :param app: the whole of Airflow's API server, inside its access log
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, and take what is secret out of its address before that is logged."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        logged: dict[str, object] = {"path": without_secret(scope["path"])}
        if SECRET.search(_decoded(scope.get("query_string", b"").decode("latin-1"))):
            logged["query_string"] = b""
        if scope["type"] == "websocket":  # uvicorn logs it when it responds; nothing here reads the query
            scope.update(logged)
        try:
            await self.app(scope, receive, send)
        finally:  # see Guard
            scope.update(logged)


def without_secret(path: str) -> str:
    """Return a path as it may be logged: cut where a query begins that is part of it, or something sealed.

    :param path: as ASGI gives it, percent-decoded once; what is left of ``%`` shows that it was encoded more often
    """
    found = QUERY_IN_PATH.search(path)
    return f"{path[: found.start()]}[hidden]" if found else path


def _decoded(text: str) -> str:
    """Return a text without its percent-encoding, however often it was encoded as a whole."""
    return unquote(unquote(re.sub("%(?:25)+", "%", text)))


def guard(headers: MutableHeaders) -> None:
    """Add the security headers to a response.

    :param headers: the response's headers; those that the route has already set are kept
    """
    for name, value in HEADERS.items():
        headers.setdefault(name, value)


def same_site(headers: Headers) -> bool:
    """Return whether an unsafe request comes from Airflow's own site, or from a program rather than a browser.

    Browsers say where a request comes from: in ``Sec-Fetch-Site`` over HTTPS and on localhost (W3C, Fetch Metadata),
    and in ``Origin`` with every POST. ``same-site`` means another host of the same domain, which is refused. A request
    with neither header comes from a program. It is accepted if it carries a bearer token or no cookie, because then it
    cannot be a browser that another site has misled.

    :param headers: the request's headers
    """
    site = headers.get("Sec-Fetch-Site")
    if site is not None and site != "same-origin":
        return False
    origin = headers.get("Origin")
    if origin is not None:
        # Ignore the scheme: behind a proxy that terminates TLS, this server does not see the one the browser used.
        return _host(origin) in {headers.get("Host"), _host(conf.get("api", "base_url", fallback=""))} - {None, ""}
    return site is not None or "Authorization" in headers or "Cookie" not in headers


def _host(address: str) -> str | None:
    try:
        return urlsplit(address).netloc
    except ValueError:
        return None
