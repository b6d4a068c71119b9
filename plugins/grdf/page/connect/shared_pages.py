"""Steps shared by operators and households: who will consent, the page for errors, and the page's own address."""

from __future__ import annotations

import logging
from typing import Annotated
from urllib.parse import urlsplit

from airflow.sdk import conf
from fastapi import Depends, Form, Request
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
        "settings", "token_refused", "leaving", "deleted", "changed", "not_ours", "another", "no_address",
        "direct_deleted",
    )
)  # fmt: skip
"""Errors whose reason is shown to operators only, not to households."""
BY_LINK = "the household itself, with a link"
"""Who connects an account, in records and logs, if no Airflow user does."""
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


TROUBLE = (Stop, GasError)
"""What keeps a household from being connected."""


def stopped(
    request: Request, error: Exception, *, account: str = "", again: str | None = None, household: bool = False
) -> Response:
    """Return the page that says why a household was not connected, and how to start again.

    :param error: one of :data:`TROUBLE`
    :param account: the account's id, if known
    :param again: the address for starting again, if there is one
    :param household: whether a household without a login sees the page; it must not mention servers and settings
    """
    stop = stop_for(error, household=household)
    again = stop.again or again
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
