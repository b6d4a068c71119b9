"""What may be used once: marks in CouchDB, of which the first writer wins, on any number of API servers.

A mark is a document with nothing in it but its id: the moment until which it matters, and a hash. Those whose moment is
long over are removed as new ones come, some at a time.
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
"""Seconds for which a mark outlives its moment, so that a clock that is days ahead makes nothing good again."""
SWEPT = 100
"""Marks that a new one removes at the most: somebody waits for it."""


class Once:
    """The marks.

    :param couchdb: the hook whose connection says where they are
    """

    def __init__(self, couchdb: CouchDBHook) -> None:
        self._couchdb = couchdb

    def take(self, name: str, until: float) -> bool:
        """Use something; ``False`` when it was used before.

        :param name: what; only its hash is kept
        :param until: moment (epoch seconds) after which it is refused anyway
        :raises ServiceUnavailable: when CouchDB does not answer
        """
        taken = self._couchdb.put(DOCTYPE, {"_id": mark_id(name, until)}) is not None
        if taken:
            self._sweep()
        return taken

    def release(self, name: str, until: float) -> None:
        """Let something be used again, after all; never raises: it is then lost, the log says so, and one starts again.

        :param name: what
        :param until: as it was taken
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
            Remover(self._couchdb).remove_some(DOCTYPE, "0", f"{int(time.time()) - KEPT:012d}", most=SWEPT)
        except GasError as error:
            log.warning("Marks that have expired stay in %s until the next one is made. %s", DOCTYPE, error)


def mark_id(name: str, until: float) -> str:
    """Return the id of a mark; ids sort by the moment until which they matter.

    :param name: what is used
    :param until: that moment, epoch seconds
    """
    return f"{int(until) + 1:012d}-{sha256(name.encode()).hexdigest()}"
