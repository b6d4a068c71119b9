"""The validity of households' links. Each account has at most one valid link: the last that was created.

A link is sealed and contains its account and expiry. Whether it is still valid, and how often it was tried, is stored
here in one document per account. Without the document no link is valid. A new link replaces the old one, sending a code
with a link uses it, taking it back empties the document, and a deletion removes it. So an old link cannot become valid
again when a clock is wrong, and all links are void if the database is lost.

The document is named by a hash of the account's id, because the account may not exist yet. It contains a hash of the
link, its expiry, and how often it was tried; while the link can be used, also the account's id, so that the page can
list open links; while it is used, what uses it.

Anyone who holds a link, including a thief, can send any code or form with it. Each costs calls of the quota that all
households share, so they are counted. A form that GRDF refuses gives the link back.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from hashlib import sha256
from typing import Any, Literal

from grdf.hooks.couchdb import CouchDBHook
from grdf.stores.removal import Remover
from include.gas.documents.doctypes import CONNECT as DOCTYPE
from include.gas.errors import GasError, StoreBusy

log = logging.getLogger(__name__)

Stored = dict[str, Any]
Standing = Literal["good", "used", "tried", "void"]
"""The state of a link. It is ``used`` while a code is being sent with it, and for good once it has connected."""

TRIES = 5
"""Codes that may be sent to GRDF with one link: enough for a person who makes mistakes, too few for guessing."""
ROUNDS = 10
SWEPT = 100
"""How many documents of expired links a new link removes at most."""
_ALL = ("link-", "link-\ufff0")


class HouseholdLinks:
    """The links of all households."""

    def __init__(self, couchdb: CouchDBHook) -> None:
        self._couchdb = couchdb

    def make(self, account: str, link: str, until: float) -> None:
        """Make a link valid, and any other link of the account void.

        :param account: the account's id; the account need not exist
        :param link: identifies the link; only its hash is stored
        """
        self._change(account, lambda _: {"link": _hash(link), "until": int(until), "account": account})
        self._sweep()

    def standing(self, account: str, link: str) -> Standing:
        """Return the state of a link."""
        return _standing(self._stored(account), link)

    def take(self, account: str, link: str, by: str) -> Standing:
        """Use a link for a code or a form that is about to be sent, and return the link's previous state.

        Only a good link is used, and only once. For the same form it stays good.

        :param by: the name of the attempt or form
        """
        before: Standing = "void"

        def used(stored: Stored) -> Stored:
            nonlocal before
            before = _standing(stored, link)
            if before == "used" and stored["used"] == by:
                before = "good"
            elif before == "good":
                kept = {key: value for key, value in stored.items() if key != "account"}
                return kept | {"used": by, "tries": stored.get("tries", 0) + 1}
            return stored

        self._change(account, used)
        return before

    def give_back(self, account: str, by: str, *, untried: bool = False) -> None:
        """Make the link valid again that a code or a form has used which did not connect.

        This never raises: if it fails, the link stays used.

        :param by: the name of the attempt or form
        :param untried: whether nothing was tried with it, so that it does not count
        """

        def returned(stored: Stored) -> Stored:
            if not by or stored.get("used") != by:  # taken back or replaced meanwhile
                return stored
            tries = stored.get("tries", 0) - untried
            if tries >= TRIES:
                log.warning(
                    "Account %s: its household's link was tried %d times and is used up. Somebody else may have it; "
                    "ask the household before you create a new one.", account, TRIES,
                )  # fmt: skip
            kept = {key: value for key, value in stored.items() if key != "used"}
            return kept | {"tries": tries, "account": account}

        try:
            self._change(account, returned)
        except GasError as error:
            log.error("Account %s: its household's link stays used although it did not connect. %s", account, error)

    def good_until(self, account: str) -> int | None:
        """Return when the account's link expires (epoch seconds), or ``None`` if there is no valid link."""
        stored = self._stored(account)
        return stored["until"] if _is_open(stored) and time.time() < stored["until"] else None

    def open(self) -> list[tuple[str, int]]:
        """Return the accounts with a link that can be used, and when it expires (epoch seconds), the next one first."""
        self._sweep()
        found = ((each["account"], each["until"]) for each in self._couchdb.range(DOCTYPE, *_ALL) if _is_open(each))
        return sorted(found, key=lambda link: (link[1], link[0]))

    def take_back(self, account: str) -> bool:
        """Make all links of an account void. Return ``False`` if none was valid."""
        was_out = self.good_until(account) is not None
        if "link" in self._stored(account):
            self._change(account, lambda _: {})
        return was_out

    def _stored(self, account: str) -> Stored:
        return self._couchdb.get(DOCTYPE, link_document(account)) or {}

    def _change(self, account: str, change: Callable[[Stored], Stored]) -> None:
        for turn in range(ROUNDS):
            time.sleep(random.uniform(0, 0.02) * turn)  # so that competing writers do not collide again
            stored = self._stored(account)
            of_couchdb = {"_id": link_document(account), **{key: stored[key] for key in ("_rev",) if key in stored}}
            before = {key: value for key, value in stored.items() if not key.startswith("_")}
            new = change(before)
            if new == before or self._couchdb.put(DOCTYPE, of_couchdb | new):
                return
        raise StoreBusy.about(account, f"others changed the link of its household {ROUNDS} times in a row")

    def _sweep(self) -> None:
        try:
            links = self._couchdb.range(DOCTYPE, *_ALL)
            over = [stored["_id"] for stored in links if stored.get("until", 0) <= time.time()]
            for name in over[:SWEPT]:
                Remover(self._couchdb).remove(DOCTYPE, name)
        except GasError as error:
            log.warning("Records of expired links stay in %s until the next link is created. %s", DOCTYPE, error)


def _standing(stored: Stored, link: str) -> Standing:
    if stored.get("link") != _hash(link):
        return "void"
    if "used" in stored:
        return "used"
    return "good" if _is_open(stored) else "tried"


def _is_open(stored: Stored) -> bool:
    return "link" in stored and "used" not in stored and stored.get("tries", 0) < TRIES


def link_document(account: str) -> str:
    """Return the id of the document that says which link of an account is valid."""
    return f"link-{_hash(account)}"


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()
