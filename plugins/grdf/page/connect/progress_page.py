"""The progress of a connection, until its first days are stored."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from grdf.page.connect.account_lookup import couchdb, sandbox_mailbox
from grdf.page.connect.opener import HOUSEHOLD, PAGE, Opener, OpenerDep
from grdf.page.html.catalogue import Texts
from grdf.page.html.formatting import LocaleFormatter
from grdf.page.html.render import page, texts_for, wants_page
from grdf.page.security import VisitorIfAnyDep, can_act
from grdf.stores.household_links import HouseholdLinks
from include.gas.account.declaration import is_correctable
from include.gas.account.status import Status
from include.gas.display.progress import Step, find_progress
from include.gas.documents.day_documents import Document
from include.gas.documents.doctypes import ACCOUNT

router = APIRouter()

LOOK = "grdf_waiting_rights"
"""The DAG that looks for holders' answers, and that a user who may start it need not wait for."""

_AGAIN = (Step.CORRECT, Step.REFUSED, Step.UNANSWERED, Step.OVER, Step.NARROW)


@router.get("/connect/{account}/progress")
@router.get(f"{HOUSEHOLD}/progress")
def follow(request: Request, opener: OpenerDep, visitor: VisitorIfAnyDep) -> Response:
    """Show how far an account is; programs get JSON. A household learns only what it brought itself."""
    store, household = couchdb(), opener.is_household
    document, form = store.get(ACCOUNT, opener.account), f"{request.scope['root_path']}{opener.path()}"
    if household and HouseholdLinks(store).link_state(opener.account, opener.link) != "good":
        form = ""
    words = describe_progress(texts_for(request), opener, document, form)
    status = 404 if words["state"] == Step.NOTHING else 200
    if not wants_page(request):
        return JSONResponse(words, status)
    return page(
        request,
        "progress.html",
        status,
        account=opener.account,
        progress=words,
        # An account without a status is being declared by its own first run, which a look would disturb.
        looks=words["state"] == Step.WAITS or (words["state"] == Step.DECLARING and Status.key in (document or {})),
        look=LOOK if not household and visitor and can_act(visitor, LOOK) else "",
        own_page=f"{request.scope['root_path']}{opener.path(PAGE)}" if opener.has_page(document) else "",
        sandbox="" if household or words["over"] else sandbox_mailbox(),
    )


def describe_progress(t: Texts, opener: Opener, document: Document | None, form: str) -> dict[str, Any]:
    """Return in words how far an account is, without its own message, which is not for a household."""
    household = opener.is_household
    found = find_progress(document if not household or opener.own_mark(document) else None)
    spell, key = LocaleFormatter(t.language), f"progress.{found.step}"
    gaps = {"day": spell.day(found.day) if found.day else "…", "since": spell.moment(found.since)}

    def say(part: str) -> str:
        own = f"{key}.household.{part}"
        return t(own if household and own in t else f"{key}.{part}", **gaps)

    again = found.step in _AGAIN or (found.step is Step.TAKEN and is_correctable(document or {}))
    return {
        "state": str(found.step),
        "over": found.is_last,
        "title": say("title"),
        "text": _reason(t, found.reason, household=household) or say("what"),
        "message": "" if household else found.message,
        "next": f"{say('next')} {t('progress.no_link')}" if again and not form else say("next"),
        "form": form if again else "",
    }


def _reason(t: Texts, reason: str, *, household: bool) -> str:
    """Return what to correct, by GRDF's code (ADICT 3.6) or our own, or ``""``."""
    key = f"direct.refused.{reason}"
    keys = [*([f"{key}.household"] if household else []), key, f"direct.wrong.{reason}"]
    return next((t(each) for each in keys if each in t), "")
