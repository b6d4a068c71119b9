"""Marks for what may be used only once.

They are CouchDB documents: the first writer wins, on any number of API servers.

A mark consists of its id alone: its expiry and a hash. Marks that expired long ago are removed as new ones are made, a
limited number at a time.
"""

from __future__ import annotations

import logging
import time
from hashlib import sha256

from grdf.hooks.couchdb import CouchDBHook
from grdf.stores.removal import Remover
from include.gas.documents.doctypes import CONNECT as DOCTYPE
from include.gas.errors import GasError

log = logging.getLogger(__name__)

KEPT = 30 * 86_400
"""Seconds for which a mark is kept after it expires, so that a clock that is days ahead makes nothing usable again."""
SWEPT = 100
"""How many old marks a new one removes at most, because a person is waiting."""


class Once:
    """The marks of what was used."""

    def __init__(self, couchdb: CouchDBHook) -> None:
        self._couchdb = couchdb

    def take(self, name: str, until: float) -> bool:
        """Mark something as used. Return ``False`` if it was used before.

        :param name: identifies it; only its hash is stored
        """
        taken = self._couchdb.put(DOCTYPE, {"_id": mark_id(name, until)}) is not None
        if taken:
            self._sweep()
        return taken

    def release(self, name: str, until: float) -> None:
        """Remove a mark, so that its attempt can be used again.

        This never raises. If it fails, the log says so, the attempt is lost, and the household starts again.

        :param name: as in :meth:`take`
        :param until: as in :meth:`take`
        """
        try:
            Remover(self._couchdb).remove(DOCTYPE, mark_id(name, until))
        except GasError as error:
            log.error(
                "An attempt stays used although nothing was connected with it; the household must start again. %s",
                error,
            )

    def _sweep(self) -> None:
        try:
            remover, over = Remover(self._couchdb), f"{int(time.time()) - KEPT:012d}"
            remover.remove_revisions(DOCTYPE, remover.revisions(DOCTYPE, "0", over, limit=SWEPT))
        except GasError as error:
            log.warning("Marks that have expired stay in %s until the next one is made. %s", DOCTYPE, error)


def mark_id(name: str, until: float) -> str:
    """Return the id of a mark. Ids sort by expiry.

    :param name: identifies what is used
    :param until: its expiry (epoch seconds)
    """
    return f"{int(until) + 1:012d}-{sha256(name.encode()).hexdigest()}"
