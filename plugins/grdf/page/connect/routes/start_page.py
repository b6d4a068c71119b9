"""The start page with the ways in that the settings name, and the way to GRDF's own site."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from grdf import dag_settings, settings
from grdf.hooks.oauth import GrdfOAuthHook
from grdf.page.connect import exchange as connecting
from grdf.page.connect.attempt import MINUTES, Attempt, Link
from grdf.page.connect.direct_form import Ticket, Typed
from grdf.page.connect.exchange import Stop, couchdb, stop_for
from grdf.page.connect.shared_pages import (
    BY_LINK,
    CALLBACK,
    HOUSEHOLD,
    Holder,
    origin_of,
    page_address,
    places_of,
    redirect_uri,
)
from grdf.page.guard import policy
from grdf.page.html.render import page
from grdf.stores.household_links import HouseholdLinks
from include.gas.account.declaring import YEARS_BACK
from include.gas.account.grant import results_of
from include.gas.account.sections.rights.declaration import PERIMETERS
from include.gas.days.gas_day import ONE_DAY, PARIS, paris_today
from include.gas.days.windows import oldest_allowed
from include.gas.errors import GasError


@dataclass(frozen=True)
class Opener:
    """Who opened the page of an account.

    :param by: who that is, for records and logs
    :param visitor: id of the Airflow user; empty for a household's link
    :param link: the household's link, if it was used
    """

    account: str
    by: str = BY_LINK
    visitor: str = ""
    link: Link | None = None

    @property
    def is_household(self) -> bool:
        """Whether it was a household, with its link."""
        return self.link is not None

    def start(self, way: str = "") -> str:
        """Return the path of the form, below the page's own address.

        :param way: what follows it for a way in, such as ``/direct``
        """
        return f"{HOUSEHOLD}{way}?token={self.link.token}" if self.link else f"/connect/{self.account}{way}"

    def new_ticket(self) -> Ticket:
        """Return a ticket for the direct way's form."""
        return Ticket.new(self.account, visitor=self.visitor, link=self.link.id if self.link else "")

    def ticket_in(self, typed: Typed) -> Ticket | None:
        """Return the ticket of a form that was sent; ``None`` if it is over or somebody else's."""
        link = self.link.id if self.link else ""
        return Ticket.read(typed.ticket, self.account, visitor=self.visitor, link=link)


def start_page(
    request: Request,
    opener: Opener,
    *,
    holder: Holder | None = None,
    typed: Typed | None = None,
    errors: Mapping[str, str] | None = None,
) -> Response:
    """Return the page with a form for each way in.

    :param holder: the fields of Client Connect as typed, if they are not valid
    :param typed: the form of the direct way as typed
    :param errors: what is wrong there, by field; the field ``""`` is the form as a whole
    :raises Stop: if the account cannot be connected, or no way is open
    """
    account, ways, place = opener.account, settings.ways_in(), connecting.place(opener.account)
    grdf, trouble = _grdf(account, request, place.connection, ways)
    is_shown = grdf or (trouble and not opener.is_household)
    several = len(dag_settings.connections()) > 1
    answer = page(
        request,
        "connect.html",
        422 if holder or errors else 200,
        account=account,
        known=bool(results_of(place.document or {}).get("consents")),
        client=place.connection if several and not opener.is_household else "",
        household=opener.is_household,
        ways=ways if is_shown else [way for way in ways if way == "direct"],
        trouble=trouble,
        minutes=MINUTES,
        holder=holder or Holder("", "", ""),
        wrong=holder is not None,
        inside=request.headers.get("Sec-Fetch-Dest") == "iframe",
        here=grdf,
        to_client=f"{request.scope['root_path']}{opener.start()}",
        to_direct=f"{request.scope['root_path']}{opener.start('/direct')}",
        ticket=opener.new_ticket().sealed() if "direct" in ways else "",
        errors=errors or {},
        **_direct_way(opener, place, typed),
        **_link(opener),
    )
    if grdf:  # Chromium applies "form-action" to redirects after a form is sent, too.
        places = places_of(GrdfOAuthHook(place.connection).facts.authorize_url)
        answer.headers["Content-Security-Policy"] = policy(**{"form-action": f"'self' {places}"})
    return answer


def _direct_way(opener: Opener, place: connecting.Place, typed: Typed | None) -> dict[str, Any]:
    """Return what the form of the direct way shows."""
    today = paris_today(datetime.now(UTC))
    return {
        "typed": typed or (Typed.blank() if opener.is_household else Typed.to_correct(place.document)),
        "perimeters": PERIMETERS,
        "oldest": oldest_allowed(today, YEARS_BACK),
        "tomorrow": today + ONE_DAY,
    }


def _link(opener: Opener) -> dict[str, Any]:
    """Return whether a link may be made for the household, and until when one is valid."""
    links = settings.household_links() and not opener.is_household
    return {"links": links, "link_until": _link_until(opener.account) if links else None}


def require_way(way: settings.WayIn) -> None:
    """Check that the settings name a way in.

    :raises Stop: if they do not
    """
    if way not in settings.ways_in():
        raise Stop("way_closed", 404)


def to_grdf(request: Request, holder: Holder, opener: Opener) -> Response:
    """Redirect the browser to GRDF. If the fields of the form are not valid, show the form again.

    :param request: a request sent by the form of :func:`start_page`
    :param holder: the person who will consent
    :raises Stop: if the account cannot be connected, or the form was opened at an address other than the callback's
    """
    require_way("client_connect")
    connection = connecting.place(opener.account).connection
    facts = GrdfOAuthHook(connection).facts
    back = redirect_uri(facts)
    origin = request.headers.get("Origin")
    if origin and urlsplit(origin).netloc != urlsplit(back).netloc:
        # The cookie would be missing when GRDF redirects back.
        raise Stop("other_address", 409, origin_of(back), again=f"{page_address(connection)}{opener.start()}")
    try:
        hint = holder.hint()
    except ValueError:
        return start_page(request, opener, holder=holder)
    attempt = Attempt.begin(
        opener.account, visitor=opener.visitor, redirect_uri=back, link=opener.link, connection=connection
    )
    answer = RedirectResponse(attempt.authorize_url(facts, hint), 303)
    attempt.give_to(answer, request.scope["root_path"] + CALLBACK)
    return answer


def _grdf(account: str, request: Request, connection: str, ways: Sequence[str]) -> tuple[str, str]:
    """Return this page's address as GRDF's site leads back to it, and why it cannot be used; at most one is not empty.

    The direct way needs none of what Client Connect does, so it is offered all the same.

    :param connection: the connection of the account's client
    :param ways: the ways in that the settings name
    """
    if "client_connect" not in ways:
        return "", ""
    try:
        address = redirect_uri(GrdfOAuthHook(connection).facts)
    except (Stop, GasError) as error:
        if len(ways) == 1:
            raise
        return "", stop_for(error).key
    return f"{origin_of(address)}{request.scope['root_path']}/connect/{account}", ""


def _link_until(account: str) -> str | None:
    until = HouseholdLinks(couchdb()).good_until(account)
    return datetime.fromtimestamp(until, PARIS).isoformat() if until else None
