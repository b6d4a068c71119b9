"""The validity of households' links. Each account has at most one valid link: the last that was created.

A link is sealed and contains its account and expiry. Whether it is still valid, and how often it was tried, is stored
here in one document per account. Without the document no link is valid. A new link replaces the old one, sending a code
with a link uses it, taking it back empties the document, and a deletion removes it. So an old link cannot become valid
again when an account's id is reused or a clock is wrong, and all links are void if the database is lost.

The document is named by a hash of the account's id, because the account may not exist yet. It contains a hash of the
link, its expiry, and counters; while the link can be used, also the account's id, so that the page can list open links.
Anyone who holds a link, including a thief, can start attempts and send any code with it. Each writes here and costs
calls of the quota that all households share, so both are counted.
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

Standing = Literal["good", "used", "tried", "void"]
"""The state of a link. It is ``used`` while a code is being sent with it, and for good once it has connected."""

TRIES = 5
"""Codes that may be sent to GRDF with one link: enough for a person who makes mistakes, too few for guessing."""
STEPS = 50
"""How often one link may start or end an attempt, so that it cannot cause unlimited writes to CouchDB."""
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
        self._change(account, lambda _: {"good": _hash(link), "until": int(until), "account": account})
        self._sweep()

    def standing(self, account: str, link: str) -> Standing:
        """Return the state of a link."""
        return _standing(self._stored(account), link)

    def begin(self, account: str, link: str) -> Standing:
        """Count an attempt that starts with a link, and return the link's previous state.

        Count nothing if it is not good.
        """
        return self._use(account, link, lambda stored: stored)

    def take(self, account: str, link: str) -> Standing:
        """Use a link for a code or a form that is about to be sent, and return the link's previous state.

        Only a good link is used, and only one caller can use it.
        """

        def used(stored: dict[str, Any]) -> dict[str, Any]:
            good = stored.pop("good")
            stored.pop("account", None)
            return stored | {"used": good, "tries": stored.get("tries", 0) + 1}

        return self._use(account, link, used)

    def give_back(self, account: str, link: str, *, untried: bool) -> None:
        """Make a link valid again after a code or a form that did not connect.

        This never raises: if it fails, the link stays used.

        :param untried: whether GRDF was not called, so that the attempt does not count
        """

        def returned(stored: dict[str, Any]) -> dict[str, Any]:
            if stored.get("used") != _hash(link):  # taken back or replaced meanwhile
                return stored
            good, tries = stored.pop("used"), stored["tries"] - untried
            named = {"account": account} if tries < TRIES else {}
            return stored | {"good": good, "tries": tries} | named

        try:
            stored = self._change(account, returned)
        except GasError as error:
            log.error("Account %s: its household's link stays used although it did not connect. %s", account, error)
            return
        if stored.get("tries") == TRIES:
            log.warning(
                "Account %s: its household's link was tried %d times and is used up. Somebody else may have it; "
                "ask the household before you create a new one.", account, TRIES,
            )  # fmt: skip

    def good_until(self, account: str) -> int | None:
        """Return when the account's link expires (epoch seconds), or ``None`` if there is no valid link."""
        stored = self._stored(account)
        return stored["until"] if stored.get("good") and time.time() < stored["until"] else None

    def open(self) -> list[tuple[str, int]]:
        """Return the accounts with a link that can be used, and when it expires (epoch seconds), the next one first."""
        self._sweep()
        stored = self._couchdb.range(DOCTYPE, *_ALL)
        found = ((each["account"], each["until"]) for each in stored if "account" in each and not _is_used_up(each))
        return sorted(found, key=lambda link: (link[1], link[0]))

    def take_back(self, account: str) -> bool:
        """Make all links of an account void. Return ``False`` if none was valid."""
        was_out = self.good_until(account) is not None
        if self._stored(account).keys() & {"good", "used"}:
            self._change(account, lambda _: {})
        return was_out

    def _stored(self, account: str) -> dict[str, Any]:
        return self._couchdb.get(DOCTYPE, link_document(account)) or {}

    def _use(self, account: str, link: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Standing:
        before: Standing = "void"

        def counted(stored: dict[str, Any]) -> dict[str, Any]:
            nonlocal before
            before = _standing(stored, link)
            return change(stored | {"steps": stored.get("steps", 0) + 1}) if before == "good" else stored

        self._change(account, counted)
        return before

    def _change(self, account: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
        for turn in range(ROUNDS):
            time.sleep(random.uniform(0, 0.02) * turn)  # so that competing writers do not collide again
            stored = self._stored(account)
            of_couchdb = {"_id": link_document(account), **{key: stored[key] for key in ("_rev",) if key in stored}}
            before = {key: value for key, value in stored.items() if not key.startswith("_")}
            new = change(dict(before))
            if new == before or self._couchdb.put(DOCTYPE, of_couchdb | new):
                return new
        raise StoreBusy.about(account, f"others changed the link of its household {ROUNDS} times in a row")

    def _sweep(self) -> None:
        try:
            links = self._couchdb.range(DOCTYPE, *_ALL)
            over = [stored["_id"] for stored in links if stored.get("until", 0) <= time.time()]
            for name in over[:SWEPT]:
                Remover(self._couchdb).remove(DOCTYPE, name)
        except GasError as error:
            log.warning("Records of expired links stay in %s until the next link is created. %s", DOCTYPE, error)


def _standing(stored: dict[str, Any], link: str) -> Standing:
    name = _hash(link)
    if stored.get("used") == name:
        return "used"
    if stored.get("good") != name:
        return "void"
    return "tried" if _is_used_up(stored) else "good"


def _is_used_up(stored: dict[str, Any]) -> bool:
    return bool(stored.get("tries", 0) >= TRIES or stored.get("steps", 0) >= STEPS)


def link_document(account: str) -> str:
    """Return the id of the document that says which link of an account is valid."""
    return f"link-{_hash(account)}"


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()
