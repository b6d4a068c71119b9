"""The page that lists all accounts."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from starlette.responses import Response

from grdf import settings
from grdf.page.html.render import page
from grdf.page.list.listing import Question, listing
from grdf.page.list.mirror import mirror
from grdf.page.security import VisitorDep, can_connect_some, can_import, viewable
from include.gas.days.gas_day import paris_today
from include.gas.documents.gas_days import ACCOUNT_ID

router = APIRouter()


@router.get("/")
def account_list(request: Request, visitor: VisitorDep) -> Response:
    """List the accounts that the visitor may see, filtered and sorted as the query says."""
    lines = mirror().lines()
    seen = viewable(visitor, [account for account in lines if ACCOUNT_ID.fullmatch(account)])
    today = paris_today(datetime.now(UTC))
    found = listing([lines[account] for account in seen], Question.of(request.query_params), today)
    return page(
        request,
        "accounts.html",
        list=found,
        several=len(settings.connections.or_default()) > 1,
        may_connect=can_connect_some(visitor),
        may_import=can_import(visitor),
    )
