"""The page that follows how a household is connected, until its first days are stored."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from grdf.page.connect.exchange import Stop, couchdb
from grdf.page.connect.progress_cookie import Followed
from grdf.page.connect.routes.household_page import Invitation, require_links
from grdf.page.connect.shared_pages import HOUSEHOLD, WayIn
from grdf.page.html.catalogue import Texts
from grdf.page.html.render import page, texts_for, wants_page
from grdf.page.html.spelling import Spelling
from grdf.page.security import AccountDep, ConnectorDep
from grdf.stores.household_links import HouseholdLinks
from include.gas.account.sections.marks import Connected
from include.gas.display.progress import Progress, Step, progress
from include.gas.documents.doctypes import ACCOUNT
from include.gas.errors import DeclarationRefused

router = APIRouter(route_class=WayIn)

REASONS = {
    "1000000004": "contract",
    "1000000005": "postcode",
    "1000000006": "meter",
    "1000000022": "perimeters",
    DeclarationRefused.ANOTHER: "another",
}
"""The text for GRDF's codes (ADICT 3.6)."""
_AGAIN = (Step.CORRECT, Step.REFUSED, Step.UNANSWERED, Step.OVER, Step.NARROW)


@router.get("/connect/{account}/progress")
def follow(request: Request, account: AccountDep, _: ConnectorDep) -> Response:
    """Show how far an account is. Programs get JSON."""
    found, base = progress(couchdb().get(ACCOUNT, account)), request.scope["root_path"]
    if found.step is Step.NOTHING and wants_page(request):
        raise Stop("no_progress", 404, again=f"{base}/")
    status = 404 if found.step is Step.NOTHING else 200
    return _shown(request, found, status, account=account, form=f"{base}/connect/{account}")


@router.get(f"{HOUSEHOLD}/progress/{{name}}")
def follow_without_login(request: Request, name: str) -> Response:
    """Show a household in words how far it is, and nothing that it did not bring itself. Its cookie is the login."""
    require_links()
    followed = Followed.kept_by(request, name)
    if followed is None:
        raise Stop("progress_unknown", 404)
    return _shown(request, _own(followed), form=_form(request, followed), household=True)


def _own(followed: Followed) -> Progress:
    """Return how far a household is.

    There is nothing to show once the account was deleted, or connected once more in another way.
    """
    document = couchdb().get(ACCOUNT, followed.account)
    is_own = document is not None and Connected.moment(document) == followed.at
    return progress(document) if is_own else Progress(Step.NOTHING)


def _form(request: Request, followed: Followed) -> str:
    """Return the address of the form, while the household's link may still be used."""
    try:
        found = Invitation.read(followed.token)
    except Stop:
        return ""
    if HouseholdLinks(couchdb()).standing(found.account, found.id) != "good":
        return ""
    return f"{request.scope['root_path']}{HOUSEHOLD}?token={followed.token}"


def _shown(
    request: Request, found: Progress, status: int = 200, *, form: str, account: str = "", household: bool = False
) -> Response:
    told = _told(texts_for(request), found, household=household)
    told["form"] = form if found.step in _AGAIN else ""
    if found.step is Step.CORRECT and not form:
        told["next"] = texts_for(request)("progress.correct.no_link")
    if not wants_page(request):
        return JSONResponse(told, status)
    return page(request, "progress.html", status, account=account, household=household, told=told)


def _told(t: Texts, found: Progress, *, household: bool) -> dict[str, Any]:
    """Return the state in words, as the page shows it and its script asks for it.

    :param household: whether a household reads it, to whom the account's own message says too much
    """
    spell, key = Spelling(t.language), f"progress.{found.step}"
    day = spell.day(found.day) if found.day else ""

    def say(part: str) -> str:
        own = f"{key}.household.{part}"
        return t(own if household and own in t else f"{key}.{part}", day=day)

    since = t("progress.since", moment=spell.moment(found.since)) if found.since else ""
    return {
        "state": str(found.step),
        "over": found.is_last,
        "title": say("title"),
        "text": _reason(t, found.reason, household=household) or say("what"),
        "since": t("progress.renewed", day=spell.day(found.renewed)) if found.renewed else since,
        "message": "" if household else found.message,
        "next": say("next"),
    }


def _reason(t: Texts, reason: str, *, household: bool) -> str:
    """Return what has to be corrected; ``""`` if only GRDF's own words say it."""
    key = f"direct.refused.{REASONS.get(reason, reason)}"
    keys = [*([f"{key}.household"] if household else []), key, f"direct.wrong.{reason}"]
    return next((t(each) for each in keys if each in t), "")
