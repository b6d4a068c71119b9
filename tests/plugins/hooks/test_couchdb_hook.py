"""The CouchDB hook with a server over HTTP."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from grdf.hooks import couchdb as module
from grdf.hooks.couchdb import CouchDBHook
from grdf.stores.accounts.account_store import AccountStore
from include.gas.documents.day_documents import account_range
from include.gas.documents.doctypes import ACCOUNT, DAY, MONTH, YEAR, database, index_name
from include.gas.errors import BadRequest, FailNow, ServiceUnavailable


@pytest.fixture
def hook(own_databases: CouchDBHook) -> CouchDBHook:
    """A hook with databases only for this test. Their prefix contains a slash, as Cozy's do."""
    return own_databases


def day(number: int, **more: Any) -> dict[str, Any]:
    return {"_id": f"home:09999995000010:{number:05}", "load": number, **more}


def ids(documents: list[dict[str, Any]]) -> list[str]:
    return [document["_id"] for document in documents]


def days(*numbers: int) -> list[str]:
    return [day(number)["_id"] for number in numbers]


def test_databases_are_made_by_the_first_write(hook: CouchDBHook) -> None:
    assert hook.get(ACCOUNT, "home") is None
    assert hook.range(DAY, "a", "b") == []
    assert hook.fetch(DAY, ["a"]) == {}
    assert not hook.has_database(DAY)
    revision = hook.put(ACCOUNT, {"_id": "home", "é": "ü"})
    assert hook.get(ACCOUNT, "home") == {"_id": "home", "_rev": revision, "é": "ü"}
    assert hook.write(DAY, [day(1)]).written == {*days(1)}
    assert hook.has_database(DAY)
    assert not hook.has_database(MONTH)

    def write(number: int) -> int:
        try:
            return len(hook.write(YEAR, [day(number)]).written)
        except ServiceUnavailable:  # CouchDB 3.5.2 answers 500 where an index is made twice at once
            return len(hook.write(YEAR, [day(number)]).written)

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(write, range(6))) == [1] * 6, "many may make one at once"
    for use in (hook.create_database, lambda doctype: hook.put(doctype, {"_id": "a"})):
        with pytest.raises(ValueError, match=r"DATABASES"):  # a deletion would not know it
            use("com.grandlyon.grdf.new")


def indexes(hook: CouchDBHook, doctype: str) -> set[str]:
    found = hook.require_success(hook.request("GET", doctype, "/_index")).json()["indexes"]
    return {each["ddoc"].removeprefix("_design/") for each in found if each["ddoc"]}


@pytest.mark.parametrize("doctype", [DAY, MONTH, YEAR, ACCOUNT])
def test_it_has_its_indexes_and_making_it_again_changes_nothing(hook: CouchDBHook, doctype: str) -> None:
    hook.write(doctype, [day(1)])
    made = {index_name(fields) for fields in database(doctype).indexes}
    assert indexes(hook, doctype) == made
    hook.require_success(
        hook.request("POST", doctype, "/_index", body={"index": {"fields": ["load"]}, "ddoc": "by_load"})
    )
    assert hook.create_database(doctype) == ["exists"]
    assert indexes(hook, doctype) == made | {"by_load"}
    assert list(hook.scan(doctype)) == hook.range(doctype, *account_range("home")), "they are no documents of ours"


def test_one_document_against_its_revision(hook: CouchDBHook) -> None:
    first = hook.put(ACCOUNT, {"_id": "home", "n": 1})
    assert hook.put(ACCOUNT, {"_id": "home", "n": 2}) is None, "it must be new, and is not"
    assert hook.put(ACCOUNT, {"_id": "home", "_rev": first, "n": 3})
    assert hook.put(ACCOUNT, {"_id": "home", "_rev": first, "n": 4}) is None
    assert hook.put(ACCOUNT, {"_id": "never-there", "_rev": first, "n": 4}) is None
    assert (hook.get(ACCOUNT, "home") or {})["n"] == 3
    hook.require_success(hook.request("DELETE", ACCOUNT, ""))
    assert hook.put(ACCOUNT, {"_id": "home", "_rev": first, "n": 2}) is None
    assert not hook.has_database(ACCOUNT), "a lost one is not made anew for a document that was in it"


@pytest.mark.parametrize("count", [0, 1, 6, 7, 8, 14, 15, 30])
def test_a_range_is_whole_whatever_the_page(hook: CouchDBHook, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(module, "PAGE", 7)
    hook.write(DAY, [*map(day, range(count)), {"_id": "aaa:x"}, {"_id": "zzz:x"}])
    assert ids(hook.range(DAY, *account_range("home", "09999995000010"))) == days(*range(count))
    assert len(list(hook.scan(DAY))) == count + 2
    assert ids(hook.range(DAY, *days(0, 3))) == days(*range(4))[:count], "both ends are included"


def test_a_page_whose_last_document_is_deleted_meanwhile(hook: CouchDBHook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAGE", 3)
    hook.write(DAY, [day(number) for number in range(8)])
    seen = []
    for document in hook.scan(DAY, *account_range("home")):
        seen.append(document["_id"])
        if seen == days(0, 1):
            (doomed,) = hook.fetch(DAY, days(3)).values()
            hook.put(DAY, doomed | {"_deleted": True})
    assert seen == days(0, 1, 2, 4, 5, 6, 7)


def test_documents_go_in_bounded_batches_and_fetch_leaves_out_what_is_gone(hook: CouchDBHook) -> None:
    hook.write(DAY, [day(0)])
    before = hook.requests_sent
    assert (
        len(hook.write(DAY, [day(number) for number in range(1, 2 * module.BATCH + 2)]).written) == 2 * module.BATCH + 1
    )
    assert hook.requests_sent - before == 3
    (doomed,) = hook.fetch(DAY, days(2)).values()
    hook.put(DAY, doomed | {"_deleted": True})
    wanted = days(0, 2, module.BATCH + 4, 99_999)
    found = hook.fetch(DAY, [*wanted, *days(*range(5, module.BATCH + 2))])
    assert set(wanted) & set(found) == {*days(0, module.BATCH + 4)}
    assert all(document["_rev"] for document in found.values())
    assert (hook.fetch(DAY, []), hook.write(DAY, []).written) == ({}, set())


def test_conflicts_are_reported_one_by_one(hook: CouchDBHook) -> None:
    hook.write(DAY, [day(1), day(2)])
    (stale,) = hook.fetch(DAY, days(2)).values()
    hook.write(DAY, [stale | {"load": 20}])
    result = hook.write(DAY, [day(1, load=10), stale | {"load": 30}, day(3)])
    assert (result.written, result.conflicts) == ({*days(3)}, {*days(1, 2)})
    assert [document["load"] for document in hook.fetch(DAY, days(1, 2, 3)).values()] == [1, 20, 3]


@pytest.mark.parametrize("doc_id", ["_all_docs", "_design", "_design/x", "_security", "_changes", "_", "", ".", ".."])
def test_couchdbs_own_endpoints_are_no_documents(hook: CouchDBHook, doc_id: str) -> None:
    with pytest.raises(BadRequest, match="cannot be a document id"):
        hook.get(ACCOUNT, doc_id)
    with pytest.raises(BadRequest, match="cannot be a document id"):
        hook.put(ACCOUNT, {"_id": doc_id})
    with pytest.raises(FailNow, match="CouchDB was not asked" if doc_id else "no such account"):
        AccountStore(hook).read_account(doc_id)
    assert hook.requests_sent == 0


def test_an_odd_id_is_one_document(hook: CouchDBHook) -> None:
    for odd in ("a/b", "../x", "%2e%2e", "a?b=c", "a#b", "a b", "é/ü", "a%2Fb", ".a", "a+b&c=d", "100%"):
        assert hook.put(ACCOUNT, {"_id": odd, "said": odd})
        assert (hook.get(ACCOUNT, odd) or {})["said"] == odd
        assert ids(hook.range(ACCOUNT, odd, odd)) == [odd]
