"""A lease, held by one worker at a time over all machines. It relies on CouchDB accepting one writer per revision.

CouchDB is the one server that every worker is sure to reach, and an Airflow Variable has no compare-and-set.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from grdf.hooks.couchdb import CouchDBHook, Document
from include.gas.documents.doctypes import LEASE as DOCTYPE
from include.gas.errors import GasError


@contextmanager
def lease(couchdb: CouchDBHook, name: str, *, seconds: float = 60.0, poll: float = 0.5) -> Iterator[bool]:
    """Wait for a lease, hold it, and release it.

    If the holder has died, the wait lasts ``seconds`` at most. After that time the caller learns that it does not hold
    the lease, and decides: requesting a token twice is better than not at all, but writing a right twice is not.

    :param name: what the lease is for
    :param seconds: how long it lasts if it is not released
    :param poll: seconds between two attempts
    :return: whether the lease is held
    """
    holder = secrets.token_hex(8)
    give_up = time.monotonic() + seconds
    while (held := _take(couchdb, name, holder, seconds)) is None and time.monotonic() < give_up:
        time.sleep(poll)
    try:
        yield held is not None
    finally:
        if held is not None:
            # The work is done: if the server went away, that must not hide the result. The lease ends by itself.
            # If it has ended and is somebody else's by now, the document has another revision and stays as it is.
            with suppress(GasError):
                couchdb.put(DOCTYPE, held | {"holder": None, "until": 0})


def _take(couchdb: CouchDBHook, name: str, holder: str, seconds: float) -> Document | None:
    """Return the document that says that the lease is held; ``None`` if somebody else holds it."""
    stored = couchdb.get(DOCTYPE, name) or {"_id": name}
    until, now = stored.get("until"), time.time()
    # Any program may have written the document. What is not a number, or one without an end, is over: nobody holds it.
    if isinstance(until, int | float) and until > now:
        return None
    taken = stored | {"holder": holder, "until": now + seconds}
    revision = couchdb.put(DOCTYPE, taken)
    return None if revision is None else taken | {"_rev": revision}
