"""Which link of a household is good: for each account one at the most, the last that was made.

A link says by itself, sealed, which account it is for and until when. That it is still wanted, and how often it was
tried, is kept here, in a document per account. No document, no link: a new link takes the place of the old one, a code
that is sent with it uses it, taking it back empties the document, a deletion removes it. So nothing of before can be
good again when an account's id is used again or a clock is wrong, and all links are void when the database is lost.

The document is named by a hash of the account's id, of which there may be no account yet, and holds a hash of the link,
the moment until which it matters, and counts. Whoever holds a link, a thief included, can begin attempts and send any
code for it, which writes here and costs calls of the quota that all households share: so both are counted.
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
"""How a link stands: ``used`` while a code is being sent for it, and for good when it has connected."""

TRIES = 5
"""Codes that are sent to GRDF for one link: enough for somebody who errs, of no use to somebody who guesses."""
STEPS = 50
"""How often one link may begin or end an attempt, so that it does not write into CouchDB without end."""
ROUNDS = 10
SWEPT = 100
"""Documents of links that are over which a new link removes at the most."""


class HouseholdLinks:
    """The links.

    :param couchdb: the hook whose connection says where they are
    """

    def __init__(self, couchdb: CouchDBHook) -> None:
        self._couchdb = couchdb

    def make(self, account: str, link: str, until: float) -> None:
        """Let a link be good, and no other one of the account any more.

        :param account: the account's id; there need not be such an account
        :param link: names the link; only its hash is kept
        :param until: moment (epoch seconds) after which it is refused anyway
        :raises StoreBusy: when others kept changing it
        """
        self._change(account, lambda _: {"good": _hash(link), "until": int(until)})
        self._sweep()

    def standing(self, account: str, link: str) -> Standing:
        """Return how a link stands.

        :param account: the account's id
        :param link: names the link
        """
        return _standing(self._stored(account), link)

    def begin(self, account: str, link: str) -> Standing:
        """Count an attempt that begins with a link; gives how it stood before. One that is not good counts nothing.

        :param account: the account's id
        :param link: names the link
        :raises StoreBusy: when others kept changing it
        """
        return self._use(account, link, lambda stored: stored)

    def take(self, account: str, link: str) -> Standing:
        """Use a link for a code, before it is sent; gives how it stood before. Only a good one is used, and by one.

        :param account: the account's id
        :param link: names the link
        :raises StoreBusy: when others kept changing it
        """

        def used(stored: dict[str, Any]) -> dict[str, Any]:
            good = stored.pop("good")
            return stored | {"used": good, "tries": stored.get("tries", 0) + 1}

        return self._use(account, link, used)

    def give_back(self, account: str, link: str, *, untried: bool) -> None:
        """Let a link be good again, with which nothing was connected; never raises: it then stays used.

        :param account: the account's id
        :param link: names the link
        :param untried: whether GRDF was not called, so that it was no try
        """

        def good(stored: dict[str, Any]) -> dict[str, Any]:
            if stored.get("used") != _hash(link):  # taken back meanwhile, or another was made
                return stored
            used = stored.pop("used")
            return stored | {"good": used, "tries": stored.get("tries", 0) - untried}

        try:
            stored = self._change(account, good)
        except GasError as error:
            log.error("Account %s: its household's link stays used although it did not connect. %s", account, error)
            return
        if stored.get("tries") == TRIES:
            log.warning(
                "Account %s: its household's link was tried %d times and is used up. Somebody else may have it; "
                "ask the household before you create a new one.", account, TRIES,
            )  # fmt: skip

    def good_until(self, account: str) -> int | None:
        """Return the moment (epoch seconds) until which a link of the account is good, ``None`` when there is none.

        :param account: the account's id
        """
        stored = self._stored(account)
        until = stored.get("until")
        return until if stored.get("good") and isinstance(until, int) and time.time() < until else None

    def take_back(self, account: str) -> bool:
        """Let no link of an account be good any more; ``False`` when none was.

        :param account: the account's id
        :raises StoreBusy: when others kept changing it
        """
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
            time.sleep(random.uniform(0, 0.02) * turn)  # writers that met once must not keep step
            stored = self._stored(account)
            of_couchdb = {"_id": link_document(account), **{key: stored[key] for key in ("_rev",) if key in stored}}
            before = {key: value for key, value in stored.items() if not key.startswith("_")}
            new = change(dict(before))
            if new == before or self._couchdb.put(DOCTYPE, of_couchdb | new):
                return new
        raise StoreBusy.about(account, f"others changed the link of its household {ROUNDS} times in a row")

    def _sweep(self) -> None:
        try:
            links = self._couchdb.range(DOCTYPE, "link-", "link-\ufff0")
            over = [stored["_id"] for stored in links if not time.time() < stored.get("until", 0)]
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
    return "tried" if stored.get("tries", 0) >= TRIES or stored.get("steps", 0) >= STEPS else "good"


def link_document(account: str) -> str:
    """Return the id of the document that says which link of an account is good.

    :param account: the account's id
    """
    return f"link-{_hash(account)}"


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()
