"""Connecting an account: its choice, its forms, and its household's link."""

from __future__ import annotations

import logging
import secrets
import time
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.datastructures import FormData
from starlette.responses import JSONResponse, RedirectResponse, Response

from grdf import settings
from grdf.hooks.connection import connection_of
from grdf.page.connect.account_lookup import couchdb, find_connectable_account, page_address
from grdf.page.connect.client_connect import redirect_to_grdf
from grdf.page.connect.declare import declare
from grdf.page.connect.forms import DirectForm, show_forms
from grdf.page.connect.opener import (
    HOUSEHOLD,
    LINK_DAYS,
    PAGE,
    PAGE_DAYS,
    ConnectionStopped,
    Invitation,
    OpenerDep,
    PageLink,
)
from grdf.page.connect.sealed_texts import seal
from grdf.page.html.render import page, wants_page
from grdf.page.security import AccountDep, ConnectorDep, Visitor, may_connect_some
from grdf.stores.household_links import HouseholdLinks
from include.gas.days.gas_day import PARIS
from include.gas.documents.day_documents import ACCOUNT_ID
from include.gas.documents.doctypes import ACCOUNT

log = logging.getLogger(__name__)
router = APIRouter()


async def _form(request: Request) -> FormData:
    return await request.form()


@router.get("/connect/")
def choose(request: Request, _: Annotated[Visitor, Depends(may_connect_some)], account: str = "") -> Response:
    """Ask which account to connect, then redirect."""
    account = account.strip()
    if ACCOUNT_ID.fullmatch(account):
        return RedirectResponse(f"{request.scope['root_path']}/connect/{account}", 303)
    proposal = account or f"household-{secrets.token_hex(4)}"
    return page(request, "connect_choose.html", 422 if account else 200, proposal=proposal, wrong=bool(account))


@router.get("/connect/{account}")
@router.get(HOUSEHOLD)
def start(request: Request, opener: OpenerDep) -> Response:
    """Explain what will be asked."""
    return opener.follow(request) if opener.has_sent() else show_forms(request, opener)


@router.post("/connect/{account}")
@router.post(HOUSEHOLD)
def begin(request: Request, opener: OpenerDep, sent: Annotated[FormData, Depends(_form)]) -> Response:
    """Go on with one way in: a step of the direct way, or GRDF's site."""
    if opener.has_sent():
        return opener.follow(request)
    is_direct = "step" in sent
    if ("direct" if is_direct else "client_connect") not in settings.ways_in():
        raise ConnectionStopped("way_closed", 404)
    return declare(request, opener, DirectForm(sent)) if is_direct else redirect_to_grdf(request, opener, sent)


@router.post("/connect/{account}/link")
def make_link(
    request: Request, account: AccountDep, visitor: ConnectorDep, to: Literal["form", "figures"] = "form"
) -> Response:
    """Create a link for an account, to the form or to the figures of its household, in place of earlier ones."""
    if not settings.household_links():
        raise HTTPException(404, "links for households are switched off")
    kind, days, path = (Invitation, LINK_DAYS, "") if to == "form" else (PageLink, PAGE_DAYS, PAGE)
    if to == "form":
        connection = find_connectable_account(account)[1]
    elif (document := couchdb().get(ACCOUNT, account)) is None:
        raise HTTPException(404, "no such account")
    else:
        connection = connection_of(document)  # also of a household that has withdrawn, until its data are gone
    until, invitation = int(time.time()) + 86_400 * days, kind(secrets.token_urlsafe(16), account)
    link = f"{page_address(connection)}{HOUSEHOLD}{path}?token={seal(invitation)}"
    HouseholdLinks(couchdb(), to_page=to == "figures").create_link(account, invitation.id, until)
    moment = datetime.fromtimestamp(until, UTC)
    log.info("Account %s: %s created a link to its %s, valid until %s.", account, visitor.name, to, moment)
    if not wants_page(request):
        return JSONResponse({"account": account, "link": link, "until": moment.isoformat()})
    until_text = moment.astimezone(PARIS).isoformat()
    return page(request, "household_link.html", account=account, link=link, until=until_text, to=to)


@router.post("/connect/{account}/link/take-back")
def revoke_links(request: Request, account: AccountDep, visitor: ConnectorDep) -> Response:
    """Void all links for an account, even if links are switched off."""
    for to_page in (False, True):
        HouseholdLinks(couchdb(), to_page=to_page).revoke_links(account)
    log.info("Account %s: %s took the link for its household back.", account, visitor.name)
    return RedirectResponse(f"{request.scope['root_path']}/connect/{account}", 303)
