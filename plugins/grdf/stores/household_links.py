"""The validity of households' links: per account at most one of each kind, the last created.

A sealed link names its account, which may not exist yet. A document per account has the valid link, its end, and its
tries, which are limited because a thief could send anything. Use is noted on the account, so failures and later
corrections leave the link good.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal

from grdf.hooks.couchdb import CouchDBHook, Document
from grdf.stores.compare_and_swap import change_document
from grdf.stores.removal import Remover
from include.gas.account.declaration import is_correctable
from include.gas.account.document_sections import object_or_empty
from include.gas.account.marks import ConnectedMark
from include.gas.documents.doctypes import ACCOUNT
from include.gas.documents.doctypes import CONNECT as DOCTYPE

log = logging.getLogger(__name__)

LinkState = Literal["good", "used", "tried", "void"]

TRIES = 5
"""Uses of one link: enough for mistakes, too few for guessing."""


class HouseholdLinks:
    """The links of all households to the form, or to their pages."""

    def __init__(self, couchdb: CouchDBHook, *, to_page: bool = False) -> None:
        self._couchdb, self._to_page = couchdb, to_page

    def create_link(self, account: str, link: str, until: int) -> None:
        """Make a link, named by an id, valid until epoch seconds, and any other of its kind void."""
        self._change(account, lambda stored: stored | {"link": link, "until": until, "tries": 0})

    def link_state(self, account: str, link: str, *, sends: bool = False) -> LinkState:
        """Return the state of a link. ``sends``: something is about to be sent, which counts as a try."""
        found: LinkState = "void"
        document = self._couchdb.get(ACCOUNT, account)

        def counted(stored: Document) -> Document:
            nonlocal found
            found = _state_of_link(stored, link, document)
            return stored | {"tries": stored["tries"] + 1} if sends and found == "good" else stored

        stored = self._change(account, counted)
        if sends and found == "good" and stored["tries"] == TRIES:
            log.warning(
                "Account %s: its household's link is tried for the last time, of %d. If that fails, somebody else may "
                "have it; ask the household before you create a new one.", account, TRIES,
            )  # fmt: skip
        return found

    def valid_until(self, account: str, document: Mapping[str, Any] | None) -> int | None:
        """Return when the account's valid link expires (epoch seconds), if it has one."""
        stored = self._stored(account)
        return stored["until"] if _state_of_link(stored, stored.get("link", ""), document) == "good" else None

    def remove_expired(self, remover: Remover) -> int:
        """Remove documents of expired links, and return their number."""
        links = self._couchdb.range(DOCTYPE, "link-", "link-\ufff0")
        over = {each["_id"]: each["_rev"] for each in links if each.get("until", 0) <= time.time()}
        return remover.remove_revisions(DOCTYPE, over)

    def revoke_links(self, account: str) -> None:
        """Make the link of an account void."""
        self._change(account, lambda stored: {key: stored[key] for key in ("_id", "_rev") if key in stored})

    def _stored(self, account: str) -> Document:
        name = link_document(account, to_page=self._to_page)
        return self._couchdb.get(DOCTYPE, name) or {"_id": name}

    def _change(self, account: str, change: Callable[[Document], Document]) -> Document:
        return change_document(self._couchdb, DOCTYPE, lambda: self._stored(account), change, account=account)


def _state_of_link(stored: Document, link: str, document: Mapping[str, Any] | None) -> LinkState:
    if stored.get("link") != link:
        return "void"
    is_good, account = stored["tries"] < TRIES and time.time() < stored["until"], document or {}
    has_connected = object_or_empty(account.get(ConnectedMark.key)).get("link") == link
    if has_connected and not (is_good and is_correctable(account)):
        return "used"
    return "good" if is_good else "tried"


def link_document(account: str, *, to_page: bool = False) -> str:
    """Return the id of an account's link document."""
    return f"link-{account}~page" if to_page else f"link-{account}"
