"""Who opened a page about an account: an operator, or a household with a sealed link, kept out of all logs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Request
from starlette.responses import RedirectResponse, Response

from grdf import settings
from grdf.page.connect.account_lookup import couchdb
from grdf.page.connect.sealed_texts import unseal
from grdf.page.security import Visitor, VisitorIfAnyDep, account_in_path, may_connect
from grdf.stores.household_links import HouseholdLinks
from include.gas.account.document_sections import parse_entry
from include.gas.account.marks import BY_LINK, ConnectedMark
from include.gas.days.gas_day import utc_text
from include.gas.documents.day_documents import Document

HOUSEHOLD = "/household"
PAGE = "/figures"
"""Below it, the household's page."""
LINK_DAYS = 7
"""Days for which a household's link is valid."""
PAGE_DAYS = 45
"""The same for a link to its page: longer than a month, between two mails of the city."""


class ConnectionStopped(Exception):
    """Why a household cannot be connected now, for the visitor; what only operators may read is a ``GasError``.

    :param key: of the texts ``connect.<key>.title``, ``.what`` and ``.next``
    :param cause: a value for the texts, without secrets
    """

    def __init__(self, key: str, status: int, cause: str = "", again: str = "") -> None:
        super().__init__(key)
        self.key, self.status, self.cause, self.again = f"connect.{key}", status, cause, again


@dataclass(frozen=True)
class Invitation:
    """The content of a sealed link, with its random id."""

    id: str
    account: str


@dataclass(frozen=True)
class PageLink(Invitation):
    """The same of a link to a household's page, which an operator makes for an account that exists."""


@dataclass(frozen=True)
class Opener:
    """Who opened the page; without ``link`` and ``token``, an operator."""

    account: str
    by: str
    link: str = ""
    token: str = field(default="", repr=False)

    @property
    def is_household(self) -> bool:
        """Whether it is the household with its link."""
        return bool(self.link)

    def path(self, page: str = "") -> str:
        """Return the path of the form, or of another page about the account."""
        return f"{HOUSEHOLD}{page}?token={self.token}" if self.link else f"/connect/{self.account}{page}"

    def follow(self, request: Request) -> Response:
        """Lead to the progress of what was sent."""
        return RedirectResponse(f"{request.scope['root_path']}{self.path('/progress')}", 303)

    def has_sent(self, *, sends: bool = False) -> bool:
        """Return whether the household's link was used; ``ConnectionStopped`` if it is not good. ``sends`` is a try."""
        if not self.is_household:
            return False
        standing = HouseholdLinks(couchdb()).link_state(self.account, self.link, sends=sends)
        if standing == "tried":
            raise ConnectionStopped("link_tried", 410)
        if standing == "void":
            raise ConnectionStopped("link_void", 404)
        return standing == "used"

    def mark(self, at: datetime, stored: Document | None) -> ConnectedMark:
        """Return the mark of the account that is connected, and that is new without a ``stored`` document."""
        return ConnectedMark(utc_text(at), self.by, self.link, began="" if stored else self.link)

    def own_mark(self, document: Mapping[str, Any] | None) -> ConnectedMark | None:
        """Return the mark of the account if this link was the last to connect it."""
        mark = parse_entry(ConnectedMark, (document or {}).get(ConnectedMark.key))
        return mark if mark and (mark.by, mark.link) == (self.by, self.link) else None

    def has_page(self, document: Mapping[str, Any] | None) -> bool:
        """Return whether this link, used, leads to the household's page: all that the account holds came by it."""
        mark = self.own_mark(document)
        return self.is_household and mark is not None and mark.began == self.link


def by_link(request: Request, token: str) -> Opener:
    """Return the household with a link; ``ConnectionStopped`` if it is foreign, expired or switched off."""
    request.state.household = True
    found = unseal(token, Invitation, 86_400 * LINK_DAYS) if settings.household_links() else None
    if found is None:
        raise ConnectionStopped("link_void", 404)
    return Opener(found.account, BY_LINK, found.id, token)


def by_login(visitor: Visitor | None, account: str) -> Opener:
    """Return the logged-in operator; ``HTTPException`` without one who may connect the account."""
    if visitor is None:
        raise HTTPException(401, "not logged in")
    may_connect(visitor, account_in_path(account, visitor))
    return Opener(account, visitor.name)


def _opener(request: Request, visitor: VisitorIfAnyDep, token: str = "") -> Opener:
    account = request.path_params.get("account")
    found = by_link(request, token) if account is None else by_login(visitor, account)
    if request.method == "POST":
        request.state.again = f"{request.scope['root_path']}{found.path()}"
    return found


OpenerDep = Annotated[Opener, Depends(_opener)]
