"""The direct way in: a form, a summary of what GRDF will mail to whom, and the declaration itself."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from grdf import settings
from grdf.page.connect import exchange as connecting
from grdf.page.connect.direct_form import Ticket, Typed, TypedDep
from grdf.page.connect.exchange import Stop
from grdf.page.connect.routes.household_page import HOUSEHOLD, Invitation, require_links
from grdf.page.connect.routes.start_page import Direct, Opener, require_way, start_page
from grdf.page.connect.shared_pages import BY_LINK, TROUBLE, stopped
from grdf.page.direct.consent_text import consent_text, mark_of
from grdf.page.direct.declaring_now import AlreadySent, Order, send, sent_record
from grdf.page.direct.progress_cookie import Followed
from grdf.page.direct.refusal_texts import refusal_texts
from grdf.page.html.render import page, texts_for
from grdf.page.security import AccountDep, ConnectorDep, Visitor
from include.gas.days.gas_day import paris_today
from include.gas.documents.stored_consent import ConsentText
from include.gas.errors import AccountLeaving, BadAccount, FailNow
from include.gas.rights.declared_right import request_of

log = logging.getLogger(__name__)
router = APIRouter()


@dataclass(frozen=True)
class Asked:
    """A request with the form of the direct way.

    :param opener: who sent it
    :param visitor: the Airflow user who sent it; ``None`` for a household
    """

    request: Request
    account: str
    opener: Opener
    visitor: Visitor | None = None

    @property
    def by(self) -> str:
        """Who connects the account, for records and logs."""
        return self.visitor.name if self.visitor else BY_LINK

    def ticket(self, typed: Typed) -> Ticket | None:
        """Return the form's ticket; ``None`` if it is over or somebody else's."""
        link = self.opener.link.id if self.opener.link else ""
        return Ticket.read(typed.ticket, self.account, visitor=self.opener.visitor, link=link)

    def form(self, typed: Typed, errors: dict[str, str], status: int = 422) -> Response:
        """Return the form again, with what was typed."""
        return start_page(self.request, self.account, self.opener, direct=Direct(typed, errors, status))


@router.get("/connect/{account}/direct")
def back_to_start(request: Request, account: AccountDep, _: ConnectorDep) -> Response:
    """Lead whoever opens the form's address to the form."""
    return RedirectResponse(f"{request.scope['root_path']}/connect/{account}", 303)


@router.post("/connect/{account}/direct")
def declare(request: Request, account: AccountDep, visitor: ConnectorDep, typed: TypedDep) -> Response:
    """Check an operator's form, show the summary, or declare the right."""
    base = request.scope["root_path"]
    try:
        return _answer(Asked(request, account, Opener(visitor.id), visitor), typed)
    except TROUBLE as error:
        return stopped(request, error, account=account, again=f"{base}/connect/{account}")


@router.get(f"{HOUSEHOLD}/direct")
def household_back_to_start(request: Request, token: str = "") -> Response:
    """Lead a household that opens the form's address to the form."""
    return RedirectResponse(f"{request.scope['root_path']}{HOUSEHOLD}?token={token}", 303)


@router.post(f"{HOUSEHOLD}/direct")
def household_declare(request: Request, typed: TypedDep, token: str = "") -> Response:
    """Check a household's form, show the summary with the text to tick, or declare the right."""
    account, again = "", f"{request.scope['root_path']}{HOUSEHOLD}?token={token}"
    try:
        require_links()
        invitation = Invitation.open(token)
        account = invitation.account
        asked = Asked(request, account, Opener(link=invitation.link(token)))
        if typed.step == "send" and (sent := _sent_before(asked, typed)):
            return sent
        invitation.check()
        return _answer(asked, typed)
    except TROUBLE as error:
        return stopped(request, error, account=account, again=again, household=True)


def _answer(asked: Asked, typed: Typed) -> Response:
    require_way("direct")
    t, household = texts_for(asked.request), asked.opener.is_household
    if typed.step == "change":
        return asked.form(typed, {}, 200)
    if wrong := typed.wrong(asked.account, household=household):
        return asked.form(typed, {name: t(f"direct.wrong.{name}") for name in wrong})
    ticket = asked.ticket(typed)
    if ticket is None:
        return asked.form(typed, {"": t("direct.again")})
    text = _text(asked, typed) if household else None
    ticked = text is None or typed.agreed == mark_of(text)
    if typed.step != "send" or not ticked:
        return _summary(asked, typed, text, unticked=typed.step == "send")
    return _send(asked, typed, ticket, text)


def _text(asked: Asked, typed: Typed) -> ConsentText:
    """Return the text that a household has to tick, in the language in which it was shown if it was ticked."""
    language = typed.agreed.partition("-")[0] or texts_for(asked.request).language
    if language not in ("en", "fr"):
        language = texts_for(asked.request).language
    return consent_text(typed.declaration(asked.account), language, paris_today(datetime.now(UTC)))


def _summary(asked: Asked, typed: Typed, text: ConsentText | None, *, unticked: bool) -> Response:
    declaration = typed.declaration(asked.account)
    connecting.place(asked.account)
    return page(
        asked.request,
        "direct_check.html",
        422 if unticked else 200,
        account=asked.account,
        household=asked.opener.is_household,
        declaration=declaration,
        covers=request_of(declaration, paris_today(datetime.now(UTC))),
        typed=typed,
        text=text,
        mark=mark_of(text) if text else "",
        third_party=settings.third_party() or texts_for(asked.request)("consent.third_party"),
        unticked=unticked,
        action=f"{asked.request.scope['root_path']}{asked.opener.start(asked.account, '/direct')}",
    )


def _send(asked: Asked, typed: Typed, ticket: Ticket, text: ConsentText | None) -> Response:
    order = Order(
        ticket, typed.declaration(asked.account), by=asked.by, agreed=text, proof="" if text else typed.texts["proof"]
    )
    try:
        send(order)
    except AlreadySent as sent:
        if sent_record(asked.account, sent.name) is None:
            raise Stop("direct_sent", 409) from None
        return _follow(asked, sent.name)
    except (AccountLeaving, BadAccount):
        raise
    except FailNow as error:
        return asked.form(typed, refusal_texts(error, texts_for(asked.request), asked.visitor), 422)
    return _follow(asked, ticket.name)


def _sent_before(asked: Asked, typed: Typed) -> Response | None:
    """Return the way to the page that follows the state, if this very form was sent before; else ``None``."""
    ticket = asked.ticket(typed)
    if ticket is None or sent_record(asked.account, ticket.name) is None:
        return None
    return _follow(asked, ticket.name)


def _follow(asked: Asked, name: str) -> Response:
    base = asked.request.scope["root_path"]
    if not asked.opener.is_household:
        return RedirectResponse(f"{base}/connect/{asked.account}/progress", 303)
    path = f"{base}{HOUSEHOLD}/progress/{name}"
    answer = RedirectResponse(path, 303)
    Followed.new(asked.account, name).give_to(answer, asked.request, path)
    return answer
