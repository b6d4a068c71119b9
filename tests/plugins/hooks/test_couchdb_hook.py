"""The CouchDB hook with a server over HTTP."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import pytest
import requests

from grdf.hooks import couchdb as module
from grdf.hooks.couchdb import CouchDBHook
from grdf.stores.accounts.account_store import AccountStore
from include.gas.documents.doctypes import ACCOUNT, DAY, MONTH, YEAR
from include.gas.documents.gas_days import account_range
from include.gas.errors import BadRequest, FailNow
from include.sandbox.local_world import LocalWorld


@pytest.fixture
def hook(world: LocalWorld, connection: Callable[..., str]) -> Iterator[CouchDBHook]:
    """A hook with databases only for this test. Their prefix contains a slash, as Cozy's do."""
    prefix, root = f"cozy{secrets.token_hex(4)}/", world.couch.url
    user, password = world.couch.user, world.couch.password
    conn_id = connection(
        "couchdb_prefixed", host=root, login=user, password=password, extra={"database_prefix": prefix}
    )
    yield CouchDBHook(conn_id)
    for name in requests.get(f"{root}/_all_dbs", auth=(user, password), timeout=30).json():
        if name.startswith(prefix):
            requests.delete(f"{root}/{quote(name, safe='')}", auth=(user, password), timeout=30)


def day(number: int, **more: Any) -> dict[str, Any]:
    return {"_id": f"home:09999995000010:{number:05}", "load": number, **more}


def ids(documents: list[dict[str, Any]]) -> list[str]:
    return [document["_id"] for document in documents]


def test_reading_from_databases_that_do_not_exist(hook: CouchDBHook) -> None:
    assert hook.get(ACCOUNT, "home") is None
    assert hook.range(DAY, "a", "b") == []
    assert hook.fetch(DAY, ["a"]) == {}
    assert not hook.has_database(DAY)


def test_the_first_write_makes_the_database(hook: CouchDBHook) -> None:
    revision = hook.put(ACCOUNT, {"_id": "home", "é": "ü"})
    assert revision
    assert hook.get(ACCOUNT, "home") == {"_id": "home", "_rev": revision, "é": "ü"}
    assert hook.write(DAY, [day(1)]).written == {day(1)["_id"]}
    assert hook.has_database(DAY)
    assert not hook.has_database(MONTH)
    hook.create_database(DAY)  # doing it again is fine


def test_no_database_is_made_that_a_deletion_does_not_know(hook: CouchDBHook) -> None:
    with pytest.raises(ValueError, match=r"DATABASES"):
        hook.create_database("com.grandlyon.grdf.new")
    with pytest.raises(ValueError, match=r"DATABASES"):
        hook.put("com.grandlyon.grdf.new", {"_id": "a"})


def test_many_may_make_the_database_at_once(hook: CouchDBHook) -> None:
    hook.get_conn()
    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(lambda number: hook.write(YEAR, [day(number)]), range(6)))
    assert all(len(result.written) == 1 for result in results)


def test_a_database_that_is_lost_is_not_made_anew_for_a_document_that_was_in_it(hook: CouchDBHook) -> None:
    first = hook.put(ACCOUNT, {"_id": "home", "n": 1})
    hook.good(hook.request("DELETE", ACCOUNT, ""))
    assert hook.put(ACCOUNT, {"_id": "home", "_rev": first, "n": 2}) is None
    assert not hook.has_database(ACCOUNT)


def test_one_document_against_its_revision(hook: CouchDBHook) -> None:
    first = hook.put(ACCOUNT, {"_id": "home", "n": 1})
    assert hook.put(ACCOUNT, {"_id": "home", "n": 2}) is None, "it must be new, and is not"
    assert hook.put(ACCOUNT, {"_id": "home", "_rev": first, "n": 3})
    assert hook.put(ACCOUNT, {"_id": "home", "_rev": first, "n": 4}) is None
    assert hook.put(ACCOUNT, {"_id": "never-there", "_rev": first, "n": 4}) is None
    stored = hook.get(ACCOUNT, "home")
    assert stored is not None
    assert stored["n"] == 3


@pytest.mark.parametrize("odd", ["with space", "é/ü", "a+b&c=d", "100%", "_odd"[1:]])
def test_ids_of_any_kind(hook: CouchDBHook, odd: str) -> None:
    assert hook.put(ACCOUNT, {"_id": odd})
    assert (hook.get(ACCOUNT, odd) or {})["_id"] == odd
    assert ids(hook.range(ACCOUNT, odd, odd)) == [odd]


@pytest.mark.parametrize("count", [0, 1, 6, 7, 8, 14, 15, 30])
def test_a_range_is_whole_whatever_the_page(hook: CouchDBHook, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(module, "PAGE", 7)
    hook.write(DAY, [day(number) for number in range(count)] + [{"_id": "aaa:x"}, {"_id": "zzz:x"}])
    start, end = account_range("home", "09999995000010")
    assert ids(hook.range(DAY, start, end)) == [day(number)["_id"] for number in range(count)]
    assert len(list(hook.scan(DAY))) == count + 2


def test_both_ends_of_a_range_are_included(hook: CouchDBHook) -> None:
    hook.write(DAY, [day(number) for number in range(5)])
    assert ids(hook.range(DAY, day(1)["_id"], day(3)["_id"])) == [day(number)["_id"] for number in (1, 2, 3)]


def test_a_page_whose_last_document_is_deleted_meanwhile(hook: CouchDBHook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAGE", 3)
    hook.write(DAY, [day(number) for number in range(8)])
    seen = []
    for document in hook.scan(DAY, *account_range("home")):  # without the indexes, which are in the pages, too
        seen.append(document["_id"])
        if document["_id"] == day(1)["_id"]:
            doomed = hook.fetch(DAY, [day(3)["_id"]])[day(3)["_id"]]
            hook.put(DAY, doomed | {"_deleted": True})
    assert seen == [day(number)["_id"] for number in (0, 1, 2, 4, 5, 6, 7)]


def test_fetch_leaves_out_what_is_missing_or_deleted(hook: CouchDBHook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 2)
    hook.write(DAY, [day(number) for number in range(5)])
    doomed = hook.fetch(DAY, [day(2)["_id"]])[day(2)["_id"]]
    hook.put(DAY, doomed | {"_deleted": True})
    found = hook.fetch(DAY, [day(number)["_id"] for number in (0, 2, 4, 9)])
    assert set(found) == {day(0)["_id"], day(4)["_id"]}
    assert all(document["_rev"] for document in found.values())
    assert hook.fetch(DAY, []) == {}


def test_writes_go_in_bounded_batches(hook: CouchDBHook) -> None:
    hook.write(DAY, [day(0)])
    before = hook.requests_sent
    result = hook.write(DAY, [day(number) for number in range(1, 2 * module.BATCH + 2)])
    assert len(result.written) == 2 * module.BATCH + 1
    assert hook.requests_sent - before == 3
    assert hook.write(DAY, []).written == set()


def test_conflicts_are_told_one_by_one(hook: CouchDBHook) -> None:
    hook.write(DAY, [day(1), day(2)])
    stale = hook.fetch(DAY, [day(2)["_id"]])[day(2)["_id"]]
    hook.write(DAY, [stale | {"load": 20}])
    result = hook.write(DAY, [day(1, load=10), stale | {"load": 30}, day(3)])
    assert result.written == {day(3)["_id"]}
    assert result.conflicts == {day(1)["_id"], day(2)["_id"]}
    now = hook.fetch(DAY, [day(number)["_id"] for number in (1, 2, 3)])
    assert [document["load"] for document in now.values()] == [1, 20, 3]


@pytest.mark.parametrize("doc_id", ["_all_docs", "_design", "_design/x", "_security", "_changes", "_", "", ".", ".."])
def test_couchdbs_own_endpoints_are_no_documents(hook: CouchDBHook, doc_id: str) -> None:
    hook.put(ACCOUNT, {"_id": "a-document"})
    before = hook.requests_sent
    with pytest.raises(BadRequest, match="cannot be a document id"):
        hook.get(ACCOUNT, doc_id)
    with pytest.raises(BadRequest, match="cannot be a document id"):
        hook.put(ACCOUNT, {"_id": doc_id})
    with pytest.raises(FailNow, match="CouchDB was not asked" if doc_id else "no such account"):
        AccountStore(hook).account(doc_id)
    assert hook.requests_sent == before


@pytest.mark.parametrize("doc_id", ["a/b", "../x", "%2e%2e", "a?b=c", "a#b", "a b", "é", "a%2Fb", ".a"])
def test_an_odd_id_is_one_document(hook: CouchDBHook, doc_id: str) -> None:
    hook.put(ACCOUNT, {"_id": doc_id, "told": "this one"})
    found = hook.get(ACCOUNT, doc_id)
    assert found is not None
    assert (found["_id"], found["told"]) == (doc_id, "this one")
