"""``/connect``: an operator connects a household, in a separate browser tab."""

from __future__ import annotations

import secrets

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from grdf.page.connect.exchange import Stop
from grdf.page.connect.shared_pages import HolderDep, start_page, stopped, to_grdf
from grdf.page.html.render import page
from grdf.page.security import AccountDep, ConnectorDep, may_connect, may_connect_some
from include.gas.documents.gas_days import ACCOUNT_ID

router = APIRouter()


@router.get("/connect/", dependencies=[Depends(may_connect_some)])
def choose(request: Request, account: str = "") -> Response:
    """Ask which account to connect. Redirect to the next step once an account is chosen."""
    account = account.strip()
    if ACCOUNT_ID.fullmatch(account):
        return RedirectResponse(f"{request.scope['root_path']}/connect/{account}", 303)
    inside = request.headers.get("Sec-Fetch-Dest") == "iframe"
    proposal = account or f"household-{secrets.token_hex(4)}"
    status = 422 if account else 200
    return page(request, "connect_choose.html", status, proposal=proposal, wrong=bool(account), inside=inside)


@router.get("/connect/{account}", dependencies=[Depends(may_connect)])
def start(request: Request, account: AccountDep) -> Response:
    """Explain what the household will be asked."""
    try:
        return start_page(request, account, household=False)
    except Stop as stop:
        return stopped(request, stop, account=account)


@router.post("/connect/{account}")
def begin(request: Request, account: AccountDep, visitor: ConnectorDep, holder: HolderDep) -> Response:
    """Send the browser to GRDF."""
    try:
        return to_grdf(request, account, holder, visitor=visitor.id)
    except Stop as stop:
        again = f"{stop.cause}{request.scope['root_path']}/connect/{account}" if stop.key.endswith("address") else None
        return stopped(request, stop, account=account, again=again)
