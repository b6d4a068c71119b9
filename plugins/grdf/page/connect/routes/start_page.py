"""The start page with the ways in that the settings name, and the way to GRDF's own site."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlsplit

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from grdf import dag_settings, settings
from grdf.hooks.oauth import GrdfOAuthHook
from grdf.page.connect import exchange as connecting
from grdf.page.connect.attempt import MINUTES, Attempt, Link
from grdf.page.connect.direct_form import Ticket, Typed
from grdf.page.connect.exchange import Stop, couchdb, deletions_now, stop_for
from grdf.page.connect.shared_pages import (
    CALLBACK,
    TROUBLE,
    Holder,
    origin_of,
    page_address,
    places_of,
    redirect_uri,
)
from grdf.page.guard import policy
from grdf.page.html.render import page
from grdf.stores.household_links import HouseholdLinks
from include.gas.account.sections.rights.declaration import PERIMETERS
from include.gas.days.gas_day import ONE_DAY, PARIS, paris_today
from include.gas.days.windows import oldest_allowed
from include.gas.rights.declared_right import YEARS_BACK


@dataclass(frozen=True)
class Opener:
    """Who opened the page.

    :param visitor: id of the Airflow user; empty for a household's link
    :param link: the household's link, if it was used
    """

    visitor: str = ""
    link: Link | None = None

    @property
    def is_household(self) -> bool:
        """Whether it was a household, with its link."""
        return self.link is not None

    def start(self, account: str, way: str = "") -> str:
        """Return the path of the form, below the page's own address.

        :param way: what follows it for a way in, such as ``/direct``
        """
        return f"/household{way}?token={self.link.token}" if self.link else f"/connect/{account}{way}"


@dataclass(frozen=True)
class Direct:
    """The form of the direct way as it is shown.

    :param typed: what is in it
    :param errors: what is wrong, by field; the field ``""`` is the form as a whole
    :param status: the HTTP status of the page
    """

    typed: Typed = field(default_factory=Typed.blank)
    errors: dict[str, str] = field(default_factory=dict)
    status: int = 200


def start_page(
    request: Request, account: str, opener: Opener, *, holder: Holder | None = None, direct: Direct | None = None
) -> Response:
    """Return the page with a form for each way in.

    :param holder: the fields of Client Connect as typed, if they are not valid
    :param direct: the form of the direct way as typed
    :raises Stop: if the account cannot be connected, or no way is open
    """
    ways, place = settings.ways_in(), connecting.place(account)
    grdf, trouble = _grdf(account, request, place.connection, ways)
    links = settings.household_links() and not opener.is_household
    today, shown = paris_today(datetime.now(UTC)), direct or Direct()
    answer = page(
        request,
        "connect.html",
        422 if holder else shown.status,
        account=account,
        known=place.known,
        client=place.connection if len(dag_settings.connections()) > 1 and not opener.is_household else "",
        household=opener.is_household,
        ways=ways if grdf or (trouble and not opener.is_household) else [way for way in ways if way == "direct"],
        trouble=trouble,
        minutes=MINUTES,
        holder=holder or Holder("", "", ""),
        wrong=holder is not None,
        inside=request.headers.get("Sec-Fetch-Dest") == "iframe",
        here=grdf,
        direct=shown,
        perimeters=PERIMETERS,
        ticket=_ticket(account, opener) if "direct" in ways else "",
        oldest=oldest_allowed(today, YEARS_BACK),
        tomorrow=today + ONE_DAY,
        to_client=f"{request.scope['root_path']}{opener.start(account)}",
        to_direct=f"{request.scope['root_path']}{opener.start(account, '/direct')}",
        links=links,
        link_until=_link_until(account) if links else None,
    )
    if grdf:  # Chromium applies "form-action" to redirects after a form is sent, too.
        places = places_of(GrdfOAuthHook(place.connection).facts.authorize_url)
        answer.headers["Content-Security-Policy"] = policy(**{"form-action": f"'self' {places}"})
    return answer


def require_way(way: settings.WayIn) -> None:
    """Check that the settings name a way in.

    :raises Stop: if they do not
    """
    if way not in settings.ways_in():
        raise Stop("way_closed", 404)


def to_grdf(request: Request, account: str, holder: Holder, opener: Opener) -> Response:
    """Redirect the browser to GRDF. If the fields of the form are not valid, show the form again.

    :param request: a request sent by the form of :func:`start_page`
    :param holder: the person who will consent
    :raises Stop: if the account cannot be connected, or the form was opened at an address other than the callback's
    """
    require_way("client_connect")
    connection = connecting.place(account).connection
    facts = GrdfOAuthHook(connection).facts
    back = redirect_uri(facts)
    origin = request.headers.get("Origin")
    if origin and urlsplit(origin).netloc != urlsplit(back).netloc:
        # The cookie would be missing when GRDF redirects back.
        raise Stop("other_address", 409, origin_of(back), again=f"{page_address(connection)}{opener.start(account)}")
    try:
        hint = holder.hint()
    except ValueError:
        return start_page(request, account, opener, holder=holder)
    deletions = deletions_now(couchdb(), account)
    attempt = Attempt.begin(
        account, visitor=opener.visitor, redirect_uri=back, link=opener.link, deletions=deletions, connection=connection
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
    except TROUBLE as error:
        if len(ways) == 1:
            raise
        return "", stop_for(error).key
    return f"{origin_of(address)}{request.scope['root_path']}/connect/{account}", ""


def _link_until(account: str) -> str | None:
    until = HouseholdLinks(couchdb()).good_until(account)
    return datetime.fromtimestamp(until, PARIS).isoformat() if until else None


def _ticket(account: str, opener: Opener) -> str:
    link = opener.link.id if opener.link else ""
    return Ticket.new(account, visitor=opener.visitor, link=link, deletions=deletions_now(couchdb(), account)).sealed()
