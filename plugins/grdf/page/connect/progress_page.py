"""The page that follows how a household is connected, until its first days are stored."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from grdf.page.connect.connectable import couchdb
from grdf.page.connect.opener import HOUSEHOLD, OpenerDep
from grdf.page.html.catalogue import Texts
from grdf.page.html.render import page, texts_for, wants_page
from grdf.page.html.spelling import Spelling
from grdf.stores.household_links import HouseholdLinks
from include.gas.account.marks import Connected
from include.gas.account.section import read
from include.gas.display.progress import Progress, Step, progress
from include.gas.documents.doctypes import ACCOUNT
from include.gas.errors import DeclarationRefused

router = APIRouter()

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
@router.get(f"{HOUSEHOLD}/progress")
def follow(request: Request, opener: OpenerDep) -> Response:
    """Show how far an account is. Programs get JSON.

    A household is told in words, and nothing that it did not bring itself with its link.
    """
    store, household = couchdb(), opener.is_household
    document, form = store.get(ACCOUNT, opener.account), f"{request.scope['root_path']}{opener.path()}"
    if household:
        mark = read(Connected, (document or {}).get(Connected.key))
        if mark is None or (mark.by, mark.link) != (opener.by, opener.link):
            document = None
        if HouseholdLinks(store).standing(opener.account, opener.link) != "good":
            form = ""
    words = _in_words(texts_for(request), progress(document), form, household=household)
    status = 404 if document is None else 200
    if not wants_page(request):
        return JSONResponse(words, status)
    return page(request, "progress.html", status, account=opener.account, household=household, progress=words)


def _in_words(t: Texts, found: Progress, form: str, *, household: bool) -> dict[str, Any]:
    """Return the state in words.

    :param form: the address of the form; empty if it cannot be used
    :param household: whether a household reads it, to whom the account's own message says too much
    """
    spell, key = Spelling(t.language), f"progress.{found.step}"
    day = spell.day(found.day) if found.day else ""

    def say(part: str) -> str:
        own = f"{key}.household.{part}"
        return t(own if household and own in t else f"{key}.{part}", day=day)

    since = t("progress.since", moment=spell.moment(found.since)) if found.since else ""
    again = found.step in _AGAIN
    return {
        "state": str(found.step),
        "over": found.is_last,
        "title": say("title"),
        "text": _reason(t, found.reason, household=household) or say("what"),
        "since": t("progress.renewed", day=spell.day(found.renewed)) if found.renewed else since,
        "message": "" if household else found.message,
        "next": f"{say('next')} {t('progress.no_link')}" if again and not form else say("next"),
        "form": form if again else "",
    }


def _reason(t: Texts, reason: str, *, household: bool) -> str:
    """Return what has to be corrected; ``""`` if only GRDF's own words say it."""
    key = f"direct.refused.{REASONS.get(reason, reason)}"
    keys = [*([f"{key}.household"] if household else []), key, f"direct.wrong.{reason}"]
    return next((t(each) for each in keys if each in t), "")
