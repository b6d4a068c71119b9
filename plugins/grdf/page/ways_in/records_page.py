"""The records of an account's consents, for those who may connect it."""

from __future__ import annotations

import logging

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from grdf.page.connect.place import couchdb
from grdf.page.html.render import page, wants_page
from grdf.page.security import AccountDep, ConnectorDep
from grdf.stores.records.consent_records import ConsentRecords
from include.gas.proof.consent_record import HOUSEHOLD

log = logging.getLogger(__name__)
router = APIRouter()


@router.get("/connect/{account}/records")
def records(request: Request, account: AccountDep, visitor: ConnectorDep) -> Response:
    """Show what was agreed to and entered for an account, the newest first. Programs get JSON."""
    found = ConsentRecords(couchdb()).of(account)[::-1]
    log.info("Account %s: %s looked at %d record(s) of its consent.", account, visitor.name, len(found))
    if not wants_page(request):
        return JSONResponse({"account": account, "records": msgspec.to_builtins(found)})
    return page(request, "records.html", account=account, records=found, by_household=HOUSEHOLD)
