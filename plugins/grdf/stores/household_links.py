"""The validity of households' links. Each account has at most one valid link: the last that was created.

A link is sealed and names its account. Whether it is still valid is stored here in one document per account, since the
account may not exist yet: the link's id, its expiry, how often it was tried, and when it was last used. That moment is
also noted on the account that was connected with it, so the link leads to what came of it. Without the document no link
is valid. A new link replaces the old one, taking it back empties the document, and a deletion removes it.

Anyone who holds a link, including a thief, can send any code or form with it, so tries are counted. What fails, and a
form that GRDF refuses later, gives the link back.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, Literal

from grdf.hooks.couchdb import CouchDBHook
from grdf.stores.compare_and_swap import change_document
from grdf.stores.removal import Remover
from include.gas.documents.doctypes import CONNECT as DOCTYPE
from include.gas.errors import GasError

log = logging.getLogger(__name__)

Stored = dict[str, Any]
Standing = Literal["good", "used", "tried", "void"]

TRIES = 5
"""What may be sent with one link: enough for a person who makes mistakes, too few for guessing."""
_ALL = ("link-", "link-\ufff0")


class HouseholdLinks:
    """The links of all households."""

    def __init__(self, couchdb: CouchDBHook) -> None:
        self._couchdb = couchdb

    def make(self, account: str, link: str, until: int) -> None:
        """Make a link valid, and any other link of the account void.

        :param account: the account's id; the account need not exist
        :param link: identifies the link, which cannot be made from that
        :param until: when it expires (epoch seconds)
        """
        self._change(account, lambda stored: _emptied(stored) | {"link": link, "until": until, "tries": 0})

    def standing(self, account: str, link: str) -> Standing:
        """Return the state of a link."""
        return _standing(self._stored(account), link)

    def take(self, account: str, link: str, at: str) -> Standing:
        """Use a link for what is about to be sent, if it is good, and return its previous state.

        :param at: the moment that is also noted on the account
        """
        before: Standing = "void"

        def used(stored: Stored) -> Stored:
            nonlocal before
            before = _standing(stored, link)
            return stored | {"used": True, "at": at, "tries": stored["tries"] + 1} if before == "good" else stored

        self._change(account, used)
        return before

    def give_back(self, account: str, at: object) -> None:
        """Make the link valid again that was used at a moment for what did not connect.

        This never raises: if it fails, the link stays used.
        """

        def returned(stored: Stored) -> Stored:
            if not stored.get("used") or stored.get("at") != at:  # by another one, or taken back or replaced meanwhile
                return stored
            if stored["tries"] >= TRIES:
                log.warning(
                    "Account %s: its household's link was tried %d times and is used up. Somebody else may have it; "
                    "ask the household before you create a new one.", account, TRIES,
                )  # fmt: skip
            return stored | {"used": False}

        try:
            self._change(account, returned)
        except GasError as error:
            log.error("Account %s: its household's link stays used although it did not connect. %s", account, error)

    def used_at(self, account: str, link: str) -> str | None:
        """Return when a link was last used; ``None`` if it was not, or is not the account's any more."""
        stored = self._stored(account)
        return stored.get("at") if stored.get("link") == link else None

    def good_until(self, account: str) -> int | None:
        """Return when the account's link expires (epoch seconds), or ``None`` if there is no valid link."""
        stored = self._stored(account)
        return stored["until"] if _is_good(stored) else None

    def remove_expired(self, remover: Remover) -> int:
        """Remove what is kept of links whose time is over. Return their number."""
        links = self._couchdb.range(DOCTYPE, *_ALL)
        over = {each["_id"]: each["_rev"] for each in links if each.get("until", 0) <= time.time()}
        return remover.remove_revisions(DOCTYPE, over)

    def take_back(self, account: str) -> None:
        """Make all links of an account void."""
        self._change(account, _emptied)

    def _stored(self, account: str) -> Stored:
        name = link_document(account)
        return self._couchdb.get(DOCTYPE, name) or {"_id": name}

    def _change(self, account: str, change: Callable[[Stored], Stored]) -> None:
        change_document(self._couchdb, DOCTYPE, lambda: self._stored(account), change, account=account)


def _emptied(stored: Stored) -> Stored:
    return {key: stored[key] for key in ("_id", "_rev") if key in stored}


def _standing(stored: Stored, link: str) -> Standing:
    if stored.get("link") != link:
        return "void"
    return "used" if stored.get("used") else "good" if _is_good(stored) else "tried"


def _is_good(stored: Stored) -> bool:
    return "link" in stored and not stored.get("used") and stored["tries"] < TRIES and time.time() < stored["until"]


def link_document(account: str) -> str:
    """Return the id of the document that says which link of an account is valid."""
    return f"link-{account}"
