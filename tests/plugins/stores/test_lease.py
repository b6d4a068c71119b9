"""The lease has one holder at a time. If the holder dies, others only wait until the lease expires."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Lock
from typing import Any

import pytest

from grdf.hooks.couchdb import CouchDBHook
from grdf.stores.lease import DOCTYPE, lease


def test_one_holder_at_a_time(couchdb: CouchDBHook, account_id: str) -> None:
    inside, most, held, start = 0, 0, 0, Barrier(8)
    guard = Lock()

    def work(_: int) -> None:
        nonlocal inside, most, held
        hook = CouchDBHook()
        start.wait()
        with lease(hook, account_id, seconds=20, poll=0.01) as mine:
            with guard:
                inside, held = inside + 1, held + mine
                most = max(most, inside)
            time.sleep(0.02)
            with guard:
                inside -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert (most, held) == (1, 8)
    document = couchdb.get(DOCTYPE, account_id)
    assert document is not None
    assert not document["until"], "given back"


def test_it_is_given_back_after_an_error(couchdb: CouchDBHook, account_id: str) -> None:
    with pytest.raises(ZeroDivisionError), lease(couchdb, account_id):
        _ = 1 / 0
    with lease(couchdb, account_id, seconds=0.0) as mine:
        assert mine


def test_a_dead_holder_is_waited_for_until_its_lease_ends(couchdb: CouchDBHook, account_id: str) -> None:
    dead = lease(couchdb, account_id, seconds=0.4)
    assert dead.__enter__()  # and never releases it
    started = time.monotonic()
    with lease(couchdb, account_id, seconds=10, poll=0.02) as mine:
        assert mine
    assert 0.2 < time.monotonic() - started < 2


def test_who_waits_too_long_goes_on_without_it(couchdb: CouchDBHook, account_id: str) -> None:
    with lease(couchdb, account_id, seconds=30):
        with lease(couchdb, account_id, seconds=0.2, poll=0.02) as mine:
            assert not mine
        document = couchdb.get(DOCTYPE, account_id)
        assert document is not None
        assert document["until"] > time.time(), "who never held it does not give it back"


@pytest.mark.parametrize("until", ["soon", ["soon"], {}, True, None])
def test_a_lease_whose_end_is_no_moment_is_over(couchdb: CouchDBHook, account_id: str, until: Any) -> None:
    couchdb.put(DOCTYPE, {"_id": account_id, "holder": "another program", "until": until})
    with lease(couchdb, account_id, seconds=10) as mine:
        assert mine
        document = couchdb.get(DOCTYPE, account_id)
        assert document is not None
        assert document["until"] > time.time()
