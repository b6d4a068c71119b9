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

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import JSONResponse, Response

from grdf import settings
from grdf.hooks.oauth import GrdfOAuthHook
from grdf.page.connect import exchange as connecting
from grdf.page.connect.attempt import Link
from grdf.page.connect.exchange import Stop, check_link_calls, couchdb, let_pass
from grdf.page.connect.routes.start_page import Opener, require_way, start_page, to_grdf
from grdf.page.connect.sealing import Sealed
from grdf.page.connect.shared_pages import TROUBLE, HolderDep, page_address, stopped
from grdf.page.html.render import page, wants_page
from grdf.page.security import AccountDep, ConnectorDep
from grdf.stores.household_links import HouseholdLinks
from include.gas.days.gas_day import PARIS

log = logging.getLogger(__name__)
LINK_DAYS = 7
"""How long a link for a household is valid."""

router = APIRouter()

HOUSEHOLD = "/household"


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
        """Open a link, and check that it may still be used.

        :param token: the sealed token in the link's address
        :raises Stop: if it may not be used
        """
        found = cls.open(token)
        found.check()
        return found

    @classmethod
    def open(cls, token: str) -> Invitation:
        """Open a link, which may have been used or taken back.

        :raises Stop: if it was not created here, or has expired
        """
        found = cls.opened(token)
        if found is None:
            raise Stop("link_unknown", 404)
        if found.is_over:
            raise Stop("link_over", 410)
        return found

    def check(self) -> None:
        """Check that the link may be used. It connects once, and only until it is taken back.

        :raises Stop: if it may not be used
        """
        let_pass(HouseholdLinks(couchdb()).standing(self.account, self.id))

    def begin(self) -> None:
        """Count an attempt with the link, after checking that enough calls to GRDF are left for it.

        :raises Stop: if no attempt may begin
        """
        check_link_calls(GrdfOAuthHook(connecting.place(self.account).connection))
        let_pass(HouseholdLinks(couchdb()).begin(self.account, self.id))

    def link(self, token: str) -> Link:
        """Return the link for an attempt.

        :param token: the sealed token in the link's address
        """
        return Link(self.id, self.until, token)


@router.post("/connect/{account}/link")
def make_link(request: Request, account: AccountDep, visitor: ConnectorDep) -> Response:
    """Create a link for an account, which replaces all earlier ones.

    Programs get JSON with ``account``, ``link`` and ``until``, the time when the link expires.
    """
    if not settings.household_links():
        raise HTTPException(404, "links for households are switched off")
    until = int(time.time()) + 86_400 * LINK_DAYS
    invitation = Invitation(secrets.token_urlsafe(16), account, until)
    try:
        connection = connecting.place(account).connection
        link = f"{page_address(connection)}{HOUSEHOLD}?token={invitation.sealed()}"
        HouseholdLinks(couchdb()).make(account, invitation.id, until)
    except TROUBLE as error:
        return stopped(request, error, account=account)
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
    try:
        taken_back = HouseholdLinks(couchdb()).take_back(account)
    except TROUBLE as error:
        return stopped(request, error, account=account)
    log.info(
        "Account %s: %s took the link for its household back%s.",
        account,
        visitor.name,
        "" if taken_back else ", but none was valid",
    )
    if not wants_page(request):
        return JSONResponse({"account": account, "taken_back": taken_back})
    return page(request, "household_link_back.html", account=account, taken_back=taken_back)


@router.get(HOUSEHOLD)
@router.get(f"{HOUSEHOLD}/")
def start(request: Request, token: str = "") -> Response:
    """Explain to the household what it will be asked. The link takes the place of a login."""
    try:
        require_links()
        invitation = Invitation.read(token)
        return start_page(request, invitation.account, Opener(link=invitation.link(token)))
    except TROUBLE as error:
        return stopped(request, error, household=True)


@router.post(HOUSEHOLD)
@router.post(f"{HOUSEHOLD}/")
def begin(request: Request, holder: HolderDep, token: str = "") -> Response:
    """Send the household to GRDF. The link takes the place of a login."""
    account = ""
    try:
        require_links()
        invitation = Invitation.read(token)
        account = invitation.account
        require_way("client_connect")
        invitation.begin()
        return to_grdf(request, account, holder, Opener(link=invitation.link(token)))
    except TROUBLE as error:
        return stopped(request, error, account=account, household=True)


@router.get(f"{HOUSEHOLD}/done")
def done(request: Request) -> Response:
    """Thank a household that reloads its last page. The page contains no data."""
    try:
        require_links()
    except TROUBLE as error:
        return stopped(request, error, household=True)
    return page(request, "household_done.html")


def require_links() -> None:
    """Check that links are switched on.

    :raises Stop: if they are off; the household sees the same page as for an unknown link
    """
    if not settings.household_links():
        raise Stop("link_unknown", 404)
