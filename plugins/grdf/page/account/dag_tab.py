"""The tab on each DAG: the account that it reads, or what it has to do with the accounts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import RedirectResponse, Response

from grdf.page.html.render import page, texts_for
from grdf.page.security import Visitor, VisitorDep, can_connect_some, can_import, require_dag
from include.gas.documents.gas_days import account_of

router = APIRouter()

DAG_ID = re.compile(r"[\w.~-]{1,250}")
"""What Airflow accepts as a DAG id. Anything else is not looked up in its database."""

Link = tuple[str, str]
"""An address below the page, and the key of its text."""

LINKS: Mapping[str, Link] = {
    "grdf_import_accounts": ("/import/", "import.link"),
    "grdf_adopt_rights": ("/connect/", "accounts.connect"),
    "grdf_send_proof": ("/?state=proof", "tab.proof_link"),
    "grdf_consents": ("/?state=connect", "tab.connect_link"),
    "grdf_waiting_rights": ("/?state=asked", "tab.asked_link"),
}
"""The place on the page that belongs to a DAG for all accounts."""
FLEET: Link = ("/fleet", "fleet.back")

MAY: Mapping[str, Callable[[Visitor], bool]] = {"/import/": can_import, "/connect/": can_connect_some}
"""Who is shown a link. The others are for everybody."""


@router.get("/dag/{dag}")
def dag_tab(request: Request, dag: str, visitor: VisitorDep) -> Response:
    """Redirect to the account of a DAG. Of any other DAG, say what it has to do with the accounts."""
    if not DAG_ID.fullmatch(dag):
        raise HTTPException(404, "no DAG id")
    require_dag(visitor, dag, "see")
    account = account_of(dag)
    if account is not None:
        return RedirectResponse(f"{request.scope['root_path']}/accounts/{account}", 303)
    key = f"tab.{dag}" if f"tab.{dag}.next" in texts_for(request) else "tab.other"
    links = [link for link in (LINKS.get(dag), FLEET) if link and MAY.get(link[0], _everybody)(visitor)]
    return page(request, "no_account.html", heading=dag, key=key, links=links)


def _everybody(_: Visitor) -> bool:
    return True
