"""The page of an account with a form for each way in, and what is sent with it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from grdf import settings
from grdf.page.connect.opener import HOUSEHOLD, Opener, OpenerDep, let_pass
from grdf.page.connect.place import couchdb
from grdf.page.connect.stop import Stop
from grdf.page.ways_in.declare import declare
from grdf.page.ways_in.direct_form import Typed
from grdf.page.ways_in.grdf_site import to_grdf
from grdf.page.ways_in.start_page import start_page
from grdf.stores.household_links import HouseholdLinks

router = APIRouter()


async def _form(request: Request) -> FormData:
    return await request.form()


@router.get("/connect/{account}")
@router.get(HOUSEHOLD)
def start(request: Request, opener: OpenerDep) -> Response:
    """Explain what will be asked."""
    return opener.follow(request) if _is_used(opener) else start_page(request, opener)


@router.post("/connect/{account}")
@router.post(HOUSEHOLD)
def begin(request: Request, opener: OpenerDep, sent: Annotated[FormData, Depends(_form)]) -> Response:
    """Go on with one way in: a step of the direct way, or else to GRDF's site."""
    if _is_used(opener):
        return opener.follow(request)
    is_direct = "step" in sent
    if ("direct" if is_direct else "client_connect") not in settings.ways_in():
        raise Stop("way_closed", 404)
    return declare(request, opener, Typed(sent)) if is_direct else to_grdf(request, opener, sent)


def _is_used(opener: Opener) -> bool:
    """Return whether the household's link has been used.

    :raises Stop: if it is not good for another reason
    """
    if not opener.link:
        return False
    standing = HouseholdLinks(couchdb()).standing(opener.account, opener.link)
    let_pass(standing)
    return standing == "used"
