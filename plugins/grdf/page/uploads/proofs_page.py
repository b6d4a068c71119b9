"""An account's proofs of consent: records, GRDF's checks, an operator's own files."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, RedirectResponse, Response

from grdf import settings
from grdf.page.connect.account_lookup import couchdb
from grdf.page.html.render import page, texts_for, wants_page
from grdf.page.security import AccountDep, ConnectorDep, Visitor, can_act
from grdf.page.uploads.upload_reading import read_uploads
from grdf.staging.proof_files import ProofFiles
from grdf.stores.accounts.account_store import AccountStore
from grdf.stores.consent_records import ConsentRecords
from include.gas.account.account import check_not_leaving
from include.gas.days.gas_day import paris_today
from include.gas.meter_tag import meter_tag
from include.gas.proof.consent_record import HOUSEHOLD, to_document
from include.gas.proof.proof_file import MOST, NotAProof, ProofFile, check_proof_file

log = logging.getLogger(__name__)
router = APIRouter()
DAG = "grdf_send_proof"


@router.get("/connect/{account}/records")
def records(request: Request, account: AccountDep, visitor: ConnectorDep) -> Response:
    """Show the consent records, the newest first; programs get JSON."""
    found = ConsentRecords(couchdb()).records_of(account)[::-1]
    log.info("Account %s: %s looked at %d record(s) of its consent.", account, visitor.name, len(found))
    if not wants_page(request):
        return JSONResponse({"account": account, "records": [to_document(each) for each in found]})
    return page(request, "records.html", account=account, records=found, by_household=HOUSEHOLD)


@router.get("/connect/{account}/proofs")
def show(request: Request, account: AccountDep, visitor: ConnectorDep) -> Response:
    """Show the proofs that GRDF asks for or has judged, and how many files wait."""
    return _page(request, account, visitor)


@router.post("/connect/{account}/proofs/upload")
async def upload(request: Request, account: AccountDep, visitor: ConnectorDep) -> Response:
    """Store all files for GRDF, or none if one is unusable."""
    files = await read_uploads(request)
    return await run_in_threadpool(_store, request, account, files, visitor)


@router.post("/connect/{account}/proofs/remove")
def remove(request: Request, account: AccountDep, visitor: ConnectorDep) -> Response:
    """Remove all files that wait."""
    count = _files(account).remove_all()
    log.info("Account %s: %s removed %d file(s) that waited to be sent as proofs.", account, visitor.name, count)
    return RedirectResponse(f"{request.scope['root_path']}/connect/{account}/proofs", 303)


def _store(request: Request, account: str, files: list[tuple[str, bytes]], visitor: Visitor) -> Response:
    check_not_leaving(AccountStore(couchdb()).read_document(account))  # a deletion would miss them
    if not files or len(_files(account).names()) + len(files) > MOST:
        wrong = texts_for(request)("proofs.too_many" if files else "proofs.no_file")
        return _page(request, account, visitor, wrong=wrong)
    proofs: list[ProofFile] = []
    for name, content in files:
        try:
            proofs.append(check_proof_file(content))
        except NotAProof as error:
            return _page(request, account, visitor, wrong=f"{name} {error}.")
    for proof in proofs:
        _files(account).put(proof)
    log.info("Account %s: %s uploaded %d file(s) to be sent as proofs.", account, visitor.name, len(files))
    return RedirectResponse(f"{request.scope['root_path']}/connect/{account}/proofs", 303)


def _page(request: Request, account: str, visitor: Visitor, *, wrong: str = "") -> Response:
    meters = AccountStore(couchdb()).read_account(account).meters
    return page(
        request,
        "proofs.html",
        422 if wrong else 200,
        account=account,
        dag=DAG,
        can_send=can_act(visitor, DAG),
        proofs=[(meter_tag(account, meter.pce), proof) for meter in meters for proof in meter.proofs.values()],
        waiting=len(_files(account).names()),
        most=MOST,
        today=paris_today(datetime.now(UTC)),
        wrong=wrong,
    )


def _files(account: str) -> ProofFiles:
    return ProofFiles(settings.staging_url(), account)
