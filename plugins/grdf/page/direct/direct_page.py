"""The direct way in: a form, and a summary of what GRDF will mail to whom."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from grdf import settings
from grdf.page.connect.direct_form import Typed, TypedDep
from grdf.page.connect.exchange import place
from grdf.page.connect.progress_cookie import Followed
from grdf.page.connect.routes.household_page import LinkDep, check_link
from grdf.page.connect.routes.start_page import Opener, require_way, start_page
from grdf.page.connect.shared_pages import HOUSEHOLD, WayIn
from grdf.page.direct.consent_text import consent_text, mark_of
from grdf.page.direct.sent_form import Order, send
from grdf.page.html.catalogue import LANGUAGES
from grdf.page.html.render import page, texts_for
from grdf.page.security import AccountDep, ConnectorDep
from include.gas.account.declaring import request_of
from include.gas.account.sections.rights.declaration import Declaration
from include.gas.days.gas_day import paris_today
from include.gas.documents.stored_consent import ConsentText

router = APIRouter(route_class=WayIn)


@router.get("/connect/{account}/direct")
def back_to_start(request: Request, account: AccountDep, _: ConnectorDep) -> Response:
    """Lead whoever opens the form's address to the form."""
    return RedirectResponse(f"{request.scope['root_path']}/connect/{account}", 303)


@router.post("/connect/{account}/direct")
def declare(request: Request, account: AccountDep, visitor: ConnectorDep, typed: TypedDep) -> Response:
    """Check an operator's form, show the summary, or send it."""
    return _answer(request, Opener(account, visitor.name, visitor.id), typed)


@router.get(f"{HOUSEHOLD}/direct")
def household_back_to_start(request: Request, token: str = "") -> Response:
    """Lead a household that opens the form's address to the form."""
    return RedirectResponse(f"{request.scope['root_path']}{HOUSEHOLD}?token={token}", 303)


@router.post(f"{HOUSEHOLD}/direct")
def household_declare(request: Request, typed: TypedDep, opener: LinkDep) -> Response:
    """Check a household's form, show the summary with the text to tick, or send it."""
    if typed.step != "send":  # else whoever has sent it before is led to the same page
        check_link(opener)
    return _answer(request, opener, typed)


def _answer(request: Request, opener: Opener, typed: Typed) -> Response:
    require_way("direct")
    t = texts_for(request)
    if typed.step == "change":
        return start_page(request, opener, typed=typed)
    errors = {name: t(f"direct.wrong.{name}") for name in typed.wrong(opener.account, household=opener.is_household)}
    ticket = opener.ticket_in(typed)
    if errors or ticket is None:
        return start_page(request, opener, typed=typed, errors=errors or {"": t("direct.again")})
    asked = typed.declaration(opener.account)
    text = _text(asked, typed, t.language) if opener.is_household else None
    ticked = text is None or typed.agreed == mark_of(text)
    if typed.step != "send" or not ticked:
        return _summary(request, opener, typed, text, unticked=typed.step == "send")
    return _send(request, opener, Order(ticket, asked, opener.by, text, "" if text else typed.texts["proof"]))


def _text(asked: Declaration, typed: Typed, language: str) -> ConsentText:
    """Return the text that a household has to tick, in the language in which it was shown if it was ticked."""
    ticked = typed.agreed.partition("-")[0]
    return consent_text(asked, ticked if ticked in LANGUAGES else language, paris_today(datetime.now(UTC)))


def _summary(request: Request, opener: Opener, typed: Typed, text: ConsentText | None, *, unticked: bool) -> Response:
    declaration = typed.declaration(opener.account)
    place(opener.account)
    return page(
        request,
        "direct_check.html",
        422 if unticked else 200,
        account=opener.account,
        household=opener.is_household,
        declaration=declaration,
        covers=request_of(declaration, paris_today(datetime.now(UTC))),
        typed=typed,
        text=text,
        mark=mark_of(text) if text else "",
        third_party=settings.third_party() or texts_for(request)("consent.third_party"),
        unticked=unticked,
        action=f"{request.scope['root_path']}{opener.start('/direct')}",
    )


def _send(request: Request, opener: Opener, order: Order) -> Response:
    """Store what is asked for, and lead to the page that follows it. GRDF is asked by the account's run."""
    at = send(order)
    if opener.link is None:
        return RedirectResponse(f"{request.scope['root_path']}/connect/{opener.account}/progress", 303)
    return Followed(opener.account, order.ticket.name, at, opener.link.token).lead_there(request)
