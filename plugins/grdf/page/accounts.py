"""Which accounts there are, and the tab on an account's DAG."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from grdf.hooks.accounts import AccountStore
from grdf.hooks.couchdb import CouchDBHook
from grdf.page.render import page
from grdf.page.security import AccountDep, VisitorDep, may_view, require_dag, viewable
from include.gas.accounts import Account
from include.gas.documents import ACCOUNT_ID, account_of, dag_id
from include.gas.errors import BadAccount

router = APIRouter()


@router.get("/")
def account_list(request: Request, visitor: VisitorDep) -> Response:
    """List the accounts that the visitor may see."""
    ids = [document["_id"] for document in AccountStore(CouchDBHook()).listed()]
    seen = viewable(visitor, [account for account in ids if ACCOUNT_ID.fullmatch(account)])
    return page(request, "accounts.html", accounts=sorted(seen))


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
