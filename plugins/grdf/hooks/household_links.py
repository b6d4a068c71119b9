"""Which link of a household is good: for each account one at the most, the last that was made.

A link says by itself, sealed, which account it is for and until when. That it is still wanted is kept here, in a
document per account. No document, no link: a new link takes the place of the old one, taking it back empties the
document, a deletion removes it. So nothing of before can be good again when an account's id is used again, and
all links are void when the database is lost.

The document is named by a hash of the account's id, of which there may be no account yet, and holds a hash of the link
and the moment until which it matters.
"""

from __future__ import annotations

import logging
import time
from hashlib import sha256
from typing import Any

from grdf.hooks.couchdb import CouchDBHook
from grdf.hooks.removal import Remover
from include.gas.doctypes import CONNECT as DOCTYPE
from include.gas.errors import GasError, StoreBusy

log = logging.getLogger(__name__)
TRIES = 10


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
        self._write(account, {"link": _hash(link), "until": int(until)})
        self._sweep()

    def is_good(self, account: str, link: str) -> bool:
        """Tell whether a link is the account's last one, and was not taken back.

        :param account: the account's id
        :param link: names the link
        """
        return self._stored(account).get("link") == _hash(link)

    def good_until(self, account: str) -> int | None:
        """Give the moment (epoch seconds) until which a link of the account is good, ``None`` when there is none.

        :param account: the account's id
        """
        stored = self._stored(account)
        until = stored.get("until")
        return until if stored.get("link") and isinstance(until, int) and time.time() < until else None

    def take_back(self, account: str) -> bool:
        """Let no link of an account be good any more; ``False`` when none was.

        :param account: the account's id
        :raises StoreBusy: when others kept changing it
        """
        if not self._stored(account).get("link"):
            return False
        was_out = self.good_until(account) is not None
        self._write(account, {})
        return was_out

    def _stored(self, account: str) -> dict[str, Any]:
        return self._couchdb.get(DOCTYPE, link_document(account)) or {}

    def _write(self, account: str, content: dict[str, Any]) -> None:
        for _ in range(TRIES):
            revision = {key: value for key, value in self._stored(account).items() if key == "_rev"}
            if self._couchdb.put(DOCTYPE, {"_id": link_document(account), **revision, **content}):
                return
        raise StoreBusy.about(account, "the link of its household was changed by others ten times in a row")

    def _sweep(self) -> None:
        try:
            for stored in self._couchdb.range(DOCTYPE, "link-", "link-\ufff0"):
                if not time.time() < stored.get("until", 0):
                    Remover(self._couchdb).remove(DOCTYPE, stored["_id"])
        except GasError as error:
            log.warning("Notes of links that are over stay in %s until the next link is made. %s", DOCTYPE, error)


def link_document(account: str) -> str:
    """Give the id of the document that says which link of an account is good.

    :param account: the account's id
    """
    return f"link-{_hash(account)}"


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()
