"""``/connect``: an operator connects a household, in a separate browser tab."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from grdf.page.connect.exchange import couchdb
from grdf.page.connect.routes.start_page import Opener, start_page, to_grdf
from grdf.page.connect.shared_pages import HolderDep, WayIn
from grdf.page.html.render import page
from grdf.page.security import AccountDep, ConnectorDep, Visitor, can_connect, may_connect_some
from grdf.stores.household_links import HouseholdLinks
from include.gas.days.gas_day import PARIS
from include.gas.documents.gas_days import ACCOUNT_ID

router = APIRouter(route_class=WayIn)

LISTED = 100
"""How many open links are listed at most, those that expire first."""


@router.get("/connect/")
def choose(request: Request, visitor: Annotated[Visitor, Depends(may_connect_some)], account: str = "") -> Response:
    """Ask which account to connect, and list the open links. Redirect to the next step once an account is chosen."""
    account = account.strip()
    if ACCOUNT_ID.fullmatch(account):
        return RedirectResponse(f"{request.scope['root_path']}/connect/{account}", 303)
    inside = request.headers.get("Sec-Fetch-Dest") == "iframe"
    proposal = account or f"household-{secrets.token_hex(4)}"
    status = 422 if account else 200
    links = [link for link in HouseholdLinks(couchdb()).open() if can_connect(visitor, link[0])]
    shown = [(name, datetime.fromtimestamp(until, PARIS).isoformat()) for name, until in links[:LISTED]]
    return page(
        request,
        "connect_choose.html",
        status,
        proposal=proposal,
        wrong=bool(account),
        inside=inside,
        links=shown,
        more=len(links) - len(shown),
    )


@router.get("/connect/{account}")
def start(request: Request, account: AccountDep, visitor: ConnectorDep) -> Response:
    """Explain what the household will be asked."""
    return start_page(request, Opener(account, visitor.name, visitor.id))


@router.post("/connect/{account}")
def begin(request: Request, account: AccountDep, visitor: ConnectorDep, holder: HolderDep) -> Response:
    """Send the browser to GRDF."""
    return to_grdf(request, holder, Opener(account, visitor.name, visitor.id))
