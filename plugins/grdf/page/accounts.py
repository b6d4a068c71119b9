"""Which accounts there are, and the tab on an account's DAG."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from grdf.hooks.accounts import AccountStore
from grdf.hooks.couchdb import CouchDBHook
from grdf.page.listing import Question, listing
from grdf.page.mirror import mirror
from grdf.page.render import page
from grdf.page.security import AccountDep, VisitorDep, may_view, require_dag, viewable
from include.gas.accounts import Account
from include.gas.days import paris_today
from include.gas.documents import ACCOUNT_ID, account_of, dag_id
from include.gas.errors import BadAccount

router = APIRouter()


def now() -> datetime:
    """Give the present."""
    return datetime.now(UTC)


@router.get("/")
def account_list(request: Request, visitor: VisitorDep) -> Response:
    """List the accounts that the visitor may see, as the address asks for."""
    lines = mirror().overviews()
    seen = viewable(visitor, [account for account in lines if ACCOUNT_ID.fullmatch(account)])
    found = listing([lines[account] for account in seen], Question.of(request.query_params), paris_today(now()))
    return page(request, "accounts.html", list=found, dag_of=dag_id)


@router.get("/accounts/{account}", dependencies=[Depends(may_view)])
def account_view(request: Request, account: AccountDep) -> Response:
    """Say how an account is: its state, its meters."""
    try:
        known = AccountStore(CouchDBHook()).account(account)
    except BadAccount as error:
        return page(request, "account.html", 404, account=account, known=None, dag=None, message=str(error))
    return page(request, "account.html", account=account, known=known, dag=dag_id(account), message=said(known))


@router.get("/dag/{dag}")
def dag_tab(request: Request, dag: str, visitor: VisitorDep) -> Response:
    """Show the account whose DAG it is; of another DAG, say that it is none."""
    require_dag(visitor, dag, "see")
    account = account_of(dag)
    if account is None:
        return page(request, "no_account.html", dag=dag)
    return RedirectResponse(f"{request.scope['root_path']}/accounts/{account}", 303)


def said(account: Account) -> str:
    """Give the sentence that goes with an account's state."""
    return account.message
