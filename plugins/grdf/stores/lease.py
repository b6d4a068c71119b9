"""A lease, held by one worker at a time over all machines. It relies on CouchDB accepting one writer per revision.

CouchDB is the one server that every worker is sure to reach, and an Airflow Variable has no compare-and-set.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from grdf.hooks.couchdb import CouchDBHook
from include.gas.documents.doctypes import LEASE as DOCTYPE
from include.gas.errors import GasError

LONGEST = 120.0
"""Longest duration of a lease in seconds. A lease that ends later was taken by a clock that was ahead, and is over."""


@contextmanager
def lease(couchdb: CouchDBHook, name: str, *, seconds: float = 60.0, poll: float = 0.5) -> Iterator[bool]:
    """Wait for a lease, hold it, and release it.

    If the holder has died, the wait lasts ``seconds`` at most. After that time the caller learns that it does not hold
    the lease, and decides: requesting a token twice is better than not at all, but writing a right twice is not.

    :param couchdb: the hook for the CouchDB that keeps the lease
    :param name: what the lease is for
    :param seconds: how long it lasts if it is not released, two minutes at most
    :param poll: seconds between two attempts
    :return: whether the lease is held
    """
    holder = secrets.token_hex(8)
    give_up = time.monotonic() + seconds
    while not (held := _take(couchdb, name, holder, seconds)) and time.monotonic() < give_up:
        time.sleep(poll)
    try:
        yield held
    finally:
        if held:
            # The work is done: if the server went away, that must not hide the result. The lease ends by itself.
            with suppress(GasError):
                _release(couchdb, name, holder)


def _take(couchdb: CouchDBHook, name: str, holder: str, seconds: float) -> bool:
    stored = couchdb.get(DOCTYPE, name) or {"_id": name}
    if 0 < float(stored.get("until") or 0) - time.time() <= LONGEST:
        return False
    return couchdb.put(DOCTYPE, stored | {"holder": holder, "until": time.time() + seconds}) is not None


def _release(couchdb: CouchDBHook, name: str, holder: str) -> None:
    stored = couchdb.get(DOCTYPE, name)
    if stored and stored.get("holder") == holder:
        couchdb.put(DOCTYPE, stored | {"holder": None, "until": 0})
