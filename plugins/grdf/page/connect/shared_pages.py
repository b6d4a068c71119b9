"""Steps shared by operators and households: who will consent, the page for errors, and the page's own address."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from typing import Annotated, Any
from urllib.parse import urlsplit

from airflow.sdk import conf
from fastapi import Depends, Form, Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from grdf import settings
from grdf.hooks.connection import GrdfConnection
from grdf.hooks.oauth import GrdfOAuthHook
from grdf.page.connect.exchange import Stop, stop_for
from grdf.page.html.render import problem
from include.gas.account.connected import login_hint
from include.gas.account.sections.client import DEFAULT
from include.gas.errors import GasError

log = logging.getLogger(__name__)

FOR_OPERATORS = frozenset(
    f"connect.{key}"
    for key in (
        "settings", "token_refused", "leaving", "left", "changed", "not_ours", "no_address",
    )
)  # fmt: skip
"""Errors whose reason is shown to operators only, not to households."""
BY_LINK = "the household itself, with a link"
"""Who connects an account, in records and logs, if no Airflow user does."""
HOUSEHOLD = "/household"
CALLBACK = "/callback"
"""Path to which GRDF sends a household back, below the page's own address."""


class Holder:
    """The person who will consent, as typed into the form. Passed on to GRDF and not stored."""

    def __init__(
        self,
        first_name: Annotated[str, Form()] = "",
        last_name: Annotated[str, Form()] = "",
        email: Annotated[str, Form()] = "",
    ) -> None:
        self.first_name, self.last_name, self.email = first_name, last_name, email

    def hint(self) -> str:
        """Return the ``login_hint`` for GRDF.

        :raises ValueError: if a field is missing or not valid
        """
        return login_hint(self.first_name, self.last_name, self.email, settings.third_party())


HolderDep = Annotated[Holder, Depends(Holder)]


class WayIn(APIRoute):
    """A route whose page says why a household was not connected, and how to start again.

    A household without a login sees nothing of servers and settings. Routes may note ``account``, ``household`` and
    ``again`` on the request's state, which they learn from what is sealed.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the function that answers."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except (Stop, GasError) as error:
                return self._stopped(request, error)

        return answer

    def _stopped(self, request: Request, error: Exception) -> Response:
        household = self.path.startswith(HOUSEHOLD) or getattr(request.state, "household", False)
        account = request.path_params.get("account") or getattr(request.state, "account", "")
        base, stop = request.scope["root_path"], stop_for(error)
        again = stop.again or getattr(request.state, "again", "")
        if stop.key == "connect.left" and not household:
            again = f"{base}/connect/"
        elif not household and request.method == "POST":
            again = again or f"{base}/connect/{account}"
        links = ((again, "connect.again"),) if again else ()
        if household and stop.key in FOR_OPERATORS:
            log.warning("A household could not be connected with its link, and was not told the reason. %s", stop.cause)
            return problem(request, 503, "connect.our_side", links)
        return problem(request, stop.status, stop.key, links, account=account, cause=stop.cause)


def page_address(connection: str = DEFAULT) -> str:
    """Return the page's address as GRDF and households see it.

    :param connection: the connection whose redirect URI leads there
    :raises Stop: if it is not known
    """
    return redirect_uri(GrdfOAuthHook(connection).facts).rstrip("/").removesuffix(CALLBACK)


def redirect_uri(facts: GrdfConnection) -> str:
    """Return the address to which GRDF sends households back: exactly the one that is registered with GRDF.

    :param facts: the connection. If it sets no ``redirect_uri``, the page's address below ``[api] base_url`` is used
    :raises Stop: if neither is set
    """
    base = conf.get("api", "base_url", fallback="").rstrip("/")
    address = facts.redirect_uri or (f"{base}/grdf{CALLBACK}" if base else "")
    if not address:
        raise Stop("no_address", 500)
    return address


def places_of(url: str) -> str:
    """Return the Content-Security-Policy sources that GRDF's consent pages may use: its host and sibling hosts.

    :param url: the address of GRDF's authorization page
    """
    parts = urlsplit(url)
    labels = (parts.hostname or "").split(".")
    numeric = all(label.isdigit() for label in labels)
    neighbours = f" {parts.scheme}://*.{'.'.join(labels[1:])}" if len(labels) > 2 and not numeric else ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{neighbours}"


def origin_of(url: str) -> str:
    """Return scheme and host of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
