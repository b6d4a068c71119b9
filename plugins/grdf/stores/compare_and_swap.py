"""Changes a document by compare-and-swap: the second writer sees the first, on any machine."""

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
    """Change a document, and return it as stored; ``StoreBusy`` if others kept changing it. Unchanged, it stays.

    :param change: returns the new document for the stored one; called once per try, must not change its argument
    :param known: the document as already read, which saves a request; it is read again before nothing is written
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
