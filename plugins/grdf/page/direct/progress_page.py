"""The page that follows how a household is connected the direct way, until its first days are stored."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from grdf.page.connect.exchange import Stop, couchdb
from grdf.page.connect.routes.household_page import HOUSEHOLD, require_links
from grdf.page.connect.shared_pages import TROUBLE, stopped
from grdf.page.direct.declaring_now import sent_record
from grdf.page.direct.progress_cookie import Followed
from grdf.page.html.render import page, texts_for, wants_page
from grdf.page.html.spelling import Spelling
from grdf.page.security import AccountDep, ConnectorDep
from include.gas.account.sections.marks import Connected
from include.gas.display.progress import Progress, Step, progress
from include.gas.documents.doctypes import ACCOUNT
from include.gas.errors import GasError

router = APIRouter()


@router.get("/connect/{account}/progress")
def follow(request: Request, account: AccountDep, _: ConnectorDep) -> Response:
    """Show how far an account is. Programs get JSON."""
    try:
        found = progress(couchdb().get(ACCOUNT, account))
    except GasError as error:
        return stopped(request, error, account=account)
    if found.step is Step.NOTHING:
        if not wants_page(request):
            return JSONResponse(_told(request, found, household=False), 404)
        return stopped(request, Stop("no_progress", 404), account=account, again=f"{request.scope['root_path']}/")
    return _shown(request, found, account=account)


@router.get(f"{HOUSEHOLD}/progress/{{name}}")
def follow_without_login(request: Request, name: str) -> Response:
    """Show a household in words how far it is, and nothing that its own form did not bring. Its cookie is the login."""
    try:
        require_links()
        followed = Followed.kept_by(request, name)
        if followed is None:
            raise Stop("progress_unknown", 404)
        return _shown(request, _own(followed), household=True)
    except TROUBLE as error:
        return stopped(request, error, household=True)


def _own(followed: Followed) -> Progress:
    """Return how far the declaration is that a form has led to.

    There is nothing to show once the account was deleted, or connected once more in another way.
    """
    document = couchdb().get(ACCOUNT, followed.account)
    record = sent_record(followed.account, followed.name)
    if document is None or record is None or Connected.moment(document) != record.given:
        return Progress(Step.NOTHING)
    return progress(document)


def _shown(request: Request, found: Progress, *, account: str = "", household: bool = False) -> Response:
    told = _told(request, found, household=household)
    if not wants_page(request):
        return JSONResponse(told)
    return page(request, "progress.html", account=account, household=household, told=told)


def _told(request: Request, found: Progress, *, household: bool) -> dict[str, Any]:
    """Return the state in words, as the page shows it and its script asks for it.

    :param household: whether a household reads it, to whom the account's own message says too much
    """
    t = texts_for(request)
    key = f"progress.{found.step}"
    own = f"{key}.household" if household and f"{key}.household.title" in t else key
    since = t("progress.since", moment=Spelling(t.language).moment(found.since)) if found.since else ""
    return {
        "state": str(found.step),
        "over": found.is_last,
        "title": t(f"{own}.title"),
        "text": t(f"{own}.what"),
        "since": since,
        "message": "" if household else found.message,
        "next": t(f"{own}.next"),
    }
