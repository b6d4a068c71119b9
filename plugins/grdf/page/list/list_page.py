"""The page that lists all accounts."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from starlette.responses import Response

from grdf import settings
from grdf.page.html.render import page
from grdf.page.list.account_listing import ListQuery, build_listing
from grdf.page.list.shared_mirrors import account_mirror
from grdf.page.security import CITY, VisitorDep, can_connect_some, can_import, can_see, visible_accounts
from include.gas.days.gas_day import paris_today
from include.gas.documents.day_documents import ACCOUNT_ID

router = APIRouter()


@router.get("/")
def account_list(request: Request, visitor: VisitorDep) -> Response:
    """List the visible accounts as the query says."""
    lines = account_mirror().lines()
    seen = visible_accounts(visitor, [account for account in lines if ACCOUNT_ID.fullmatch(account)])
    today = paris_today(datetime.now(UTC))
    found = build_listing([lines[account] for account in seen], ListQuery.from_query(request.query_params), today)
    return page(
        request,
        "accounts.html",
        list=found,
        several=len(settings.connections.or_default()) > 1,
        may_connect=can_connect_some(visitor),
        may_import=can_import(visitor),
        may_see_city=can_see(visitor, CITY),
    )
