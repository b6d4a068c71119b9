"""``/household``: a household connects by itself, with a link and without a login to Airflow.

The setting ``[grdf] household_links`` must allow it. An operator creates a link and sends it to the household. The link
is sealed and only identifies the account. It is valid for some days and connects once, unless it is taken back or
replaced by another link (``stores/household_links``). Its secret is the query parameter ``token``, which is kept out of
all logs (see ``guard``).
"""

from __future__ import annotations

import logging
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import JSONResponse, Response

from grdf import settings
from grdf.hooks.oauth import GrdfOAuthHook
from grdf.page.connect import exchange as connecting
from grdf.page.connect.attempt import Link
from grdf.page.connect.exchange import Stop, check_link_calls, couchdb, let_pass
from grdf.page.connect.routes.start_page import Opener, require_way, start_page, to_grdf
from grdf.page.connect.sealing import Sealed
from grdf.page.connect.shared_pages import HOUSEHOLD, HolderDep, WayIn, page_address
from grdf.page.html.render import page, wants_page
from grdf.page.security import AccountDep, ConnectorDep
from grdf.stores.household_links import HouseholdLinks
from include.gas.days.gas_day import PARIS

log = logging.getLogger(__name__)
LINK_DAYS = 7
"""How long a link for a household is valid."""

router = APIRouter(route_class=WayIn)


@dataclass(frozen=True)
class Invitation(Sealed):
    """The content of a sealed link.

    :param id: random id of the link
    """

    PURPOSE = "household link"
    id: str
    account: str
    until: int

    @classmethod
    def read(cls, token: str) -> Invitation:
        """Open a link, which may have been used or taken back.

        :param token: the sealed token in the link's address
        :raises Stop: if it was not created here, or has expired, or links are switched off
        """
        require_links()
        found = cls.opened(token)
        if found is None:
            raise Stop("link_unknown", 404)
        if found.is_over:
            raise Stop("link_over", 410)
        return found


def _opener(request: Request, token: str = "") -> Opener:
    """Return who opened the page: whoever has the link. It takes the place of a login."""
    found = Invitation.read(token)
    request.state.account, opener = found.account, Opener(found.account, link=Link(found.id, token))
    if request.method == "POST":
        request.state.again = f"{request.scope['root_path']}{opener.start()}"
    return opener


def check_link(opener: Opener) -> None:
    """Check that a household's link may be used.

    :raises Stop: if it may not
    """
    if opener.link:
        let_pass(HouseholdLinks(couchdb()).standing(opener.account, opener.link.id))


LinkDep = Annotated[Opener, Depends(_opener)]


@router.post("/connect/{account}/link")
def make_link(request: Request, account: AccountDep, visitor: ConnectorDep) -> Response:
    """Create a link for an account, which replaces all earlier ones.

    Programs get JSON with ``account``, ``link`` and ``until``, the time when the link expires.
    """
    if not settings.household_links():
        raise HTTPException(404, "links for households are switched off")
    until = int(time.time()) + 86_400 * LINK_DAYS
    invitation = Invitation(secrets.token_urlsafe(16), account, until)
    link = f"{page_address(connecting.place(account).connection)}{HOUSEHOLD}?token={invitation.sealed()}"
    HouseholdLinks(couchdb()).make(account, invitation.id, until)
    moment = datetime.fromtimestamp(until, UTC)
    log.info("Account %s: %s created a link for its household, valid until %s.", account, visitor.name, moment)
    if not wants_page(request):
        return JSONResponse({"account": account, "link": link, "until": moment.isoformat()})
    return page(request, "household_link.html", account=account, link=link, until=moment.astimezone(PARIS).isoformat())


@router.post("/connect/{account}/link/take-back")
def take_back(request: Request, account: AccountDep, visitor: ConnectorDep) -> Response:
    """Void all links for an account, even if links are switched off.

    Programs get JSON with ``account`` and ``taken_back``, which says whether a link was valid.
    """
    taken_back = HouseholdLinks(couchdb()).take_back(account)
    none = "" if taken_back else ", but none was valid"
    log.info("Account %s: %s took the link for its household back%s.", account, visitor.name, none)
    if not wants_page(request):
        return JSONResponse({"account": account, "taken_back": taken_back})
    return page(request, "household_link_back.html", account=account, taken_back=taken_back)


@router.get(HOUSEHOLD)
@router.get(f"{HOUSEHOLD}/")
def start(request: Request, opener: LinkDep) -> Response:
    """Explain to the household what it will be asked."""
    check_link(opener)
    return start_page(request, opener)


@router.post(HOUSEHOLD)
@router.post(f"{HOUSEHOLD}/")
def begin(request: Request, holder: HolderDep, opener: LinkDep) -> Response:
    """Send the household to GRDF, if enough calls are left for it."""
    check_link(opener)
    require_way("client_connect")
    check_link_calls(GrdfOAuthHook(connecting.place(opener.account).connection))
    return to_grdf(request, holder, opener)


def require_links() -> None:
    """Check that links are switched on.

    :raises Stop: if they are off; the household sees the same page as for an unknown link
    """
    if not settings.household_links():
        raise Stop("link_unknown", 404)
