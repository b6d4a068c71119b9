"""A change of a document by compare-and-swap: whoever is second sees the first, on any number of machines."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from grdf.hooks.couchdb import CouchDBHook, Document
from include.gas.errors import StoreBusy

TRIES = 20
_Read = TypeVar("_Read", Document, Document | None)
_New = TypeVar("_New", Document, Document | None)


def change_document(
    couchdb: CouchDBHook,
    doctype: str,
    read: Callable[[], _Read],
    change: Callable[[_Read], _New],
    *,
    account: str | None = None,
    known: _Read | None = None,
) -> _New:
    """Change a document, and return it as it is stored then. Nothing is written if nothing changes.

    :param read: returns the document as it is stored now
    :param change: returns the new document for the stored one; called once per try, must not change its argument
    :param account: for the message
    :param known: the document as the caller has read it, which saves a request. If it is out of date, CouchDB refuses
        the write. If nothing is to be written, it is read again all the same: it may be out of date
    :raises StoreBusy: if others kept changing it
    """
    for turn in range(TRIES):
        time.sleep(random.uniform(0, 0.02) * turn)  # so that competing writers do not collide again
        stored, is_fresh = (known, False) if known is not None and not turn else (read(), True)
        new = change(stored)
        if new is None or new == stored:
            if is_fresh:
                return new
        elif revision := couchdb.put(doctype, new):
            return {**new, "_rev": revision}
    raise StoreBusy.about(account, f"others changed its document in {doctype} {TRIES} times in a row")
