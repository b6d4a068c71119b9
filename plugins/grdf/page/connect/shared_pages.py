"""Steps shared by operators and households: the start page, the redirect to GRDF, and the page for errors."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Annotated
from urllib.parse import urlsplit

from airflow.sdk.configuration import conf
from fastapi import Depends, Form, Request
from starlette.responses import RedirectResponse, Response

from grdf import settings
from grdf.hooks.connection import GrdfConnection
from grdf.hooks.oauth import GrdfOAuthHook
from grdf.page.connect import exchange as connecting
from grdf.page.connect.attempt import Attempt, Link
from grdf.page.connect.exchange import Stop
from grdf.page.guard import policy
from grdf.page.html.render import page, problem
from include.gas.account.connected import login_hint
from include.gas.days.gas_day import PARIS
from include.gas.errors import GasError

log = logging.getLogger(__name__)

FOR_OPERATORS = frozenset(
    f"connect.{key}" for key in ("settings", "token_refused", "leaving", "deleted", "not_ours", "no_address")
)
"""Errors whose reason is shown to operators only, not to households."""
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


def start_page(request: Request, account: str, *, household: bool, holder: Holder | None = None) -> Response:
    """Return the page that explains what will be asked, with the button that leads to GRDF.

    :param account: id of the account to connect
    :param household: whether a household opened the page with its link
    :param holder: the fields as typed, if they are not valid
    :raises Stop: if the account cannot be connected
    """
    facts, known = _facts(), connecting.check(account)
    address = redirect_uri(facts)
    links = settings.household_links() and not household
    out = connecting.link_good_until(account) if links else None
    answer = page(
        request,
        "connect.html",
        422 if holder else 200,
        account=account,
        known=known,
        household=household,
        minutes=settings.connect_minutes(),
        holder=holder or Holder("", "", ""),
        wrong=holder is not None,
        inside=request.headers.get("Sec-Fetch-Dest") == "iframe",
        here=f"{_origin(address)}{request.scope['root_path']}/connect/{account}",
        links=links,
        link_until=datetime.fromtimestamp(out, PARIS).isoformat() if out else None,
    )
    # Chromium applies "form-action" to redirects after a form is sent, too.
    answer.headers["Content-Security-Policy"] = policy(**{"form-action": f"'self' {places_of(facts.authorize_url)}"})
    return answer


def to_grdf(request: Request, account: str, holder: Holder, *, visitor: str, link: Link | None = None) -> Response:
    """Redirect the browser to GRDF. If the fields of the form are not valid, show the form again.

    :param request: a request sent by the form of :func:`start_page`
    :param account: id of the account to connect
    :param holder: the person who will consent
    :param visitor: id of the Airflow user, empty for a household's link
    :param link: the household's link, if it was used
    :raises Stop: if the account cannot be connected, or the form was opened at an address other than the callback's
    """
    facts = _facts()
    connecting.check(account)
    back = redirect_uri(facts)
    origin = request.headers.get("Origin")
    if (
        origin and urlsplit(origin).netloc != urlsplit(back).netloc
    ):  # the cookie would be missing when GRDF redirects back
        raise Stop("other_address", 409, _origin(back))
    try:
        hint = holder.hint()
    except ValueError:
        return start_page(request, account, household=link is not None, holder=holder)
    deletions = connecting.deletions_of(account)
    attempt = Attempt.begin(account, visitor=visitor, redirect_uri=back, link=link, deletions=deletions)
    answer = RedirectResponse(attempt.authorize_url(facts, hint), 303)
    attempt.give_to(answer, request.scope["root_path"] + CALLBACK)
    return answer


def stopped(
    request: Request, stop: Stop, *, account: str = "", again: str | None = None, household: bool = False
) -> Response:
    """Return the page that says why a household was not connected, and how to start again.

    :param account: the account's id, if known
    :param again: the address for starting again, if there is one
    :param household: whether a household without a login sees the page; it must not mention servers and settings
    """
    links = ((again, "connect.again"),) if again else ()
    if household and stop.key in FOR_OPERATORS:
        log.warning("A household could not be connected with its link, and was not told the reason. %s", stop.cause)
        return problem(request, 503, "connect.our_side", links)
    return problem(request, stop.status, stop.key, links, account=account, cause=stop.cause)


def page_address() -> str:
    """Return the page's address as GRDF and households see it.

    :raises Stop: if it is not known
    """
    return redirect_uri(_facts()).rstrip("/").removesuffix(CALLBACK)


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


def _facts() -> GrdfConnection:
    try:
        return GrdfOAuthHook().facts
    except GasError as error:
        raise Stop("settings", 502, error) from error


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
