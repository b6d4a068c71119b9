"""Many documents at once: _bulk_docs, _all_docs, _changes and _find.

As in test_couch_documents.py, ``GRDF_TEST_COUCHDB_URL`` adds a real CouchDB to the embedded one.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.couch import Couch


def bulk(couch: Couch, db: str, *docs: dict[str, Any]) -> list[dict[str, Any]]:
    return list(couch.told("POST", db + "/_bulk_docs", 201, json={"docs": docs}))


def find(couch: Couch, db: str, **query: Any) -> dict[str, Any]:
    return dict(couch.told("POST", db + "/_find", json=query))


def test_bulk_answers_row_by_row_in_the_order_asked(couch: Couch, db: str) -> None:
    first = bulk(couch, db, *({"_id": f"k{n:03d}", "n": n} for n in range(60)))
    revs = {row["id"]: row["rev"] for row in first}
    assert [row["id"] for row in first] == sorted(revs)
    # In reverse order: one third with a revision, one third without, one third new.
    docs: list[dict[str, Any]] = []
    for n in reversed(range(60)):
        key = f"k{n:03d}"
        docs.append([{"_id": key, "_rev": revs[key], "new": n}, {"_id": key}, {"_id": f"x{n:03d}"}][n % 3])
    rows = bulk(couch, db, *docs)
    assert [row["id"] for row in rows] == [doc["_id"] for doc in docs]
    for doc, row in zip(docs, rows, strict=True):
        if doc["_id"].startswith("k") and "_rev" not in doc:
            assert (row["error"], "rev" in row) == ("conflict", False)
        else:
            assert couch.told("GET", f"{db}/{doc['_id']}")["_rev"] == row["rev"]


def test_bulk_of_the_same_id_twice_of_deletions_and_of_nonsense(couch: Couch, db: str) -> None:
    rows = bulk(couch, db, {"_id": "a", "n": 1}, {"_id": "b"}, {"_id": "a", "n": 2})
    assert [row["id"] for row in rows] == ["a", "b", "a"]
    assert sorted("rev" in row for row in rows) == [False, True, True]
    assert bulk(couch, db, {"_id": "b", "_rev": rows[1]["rev"], "_deleted": True})[0]["ok"] is True
    assert couch.keys(db) == ["a"]
    assert bulk(couch, db, {"_id": "b", "n": 2})[0]["ok"] is True
    assert couch.told("GET", db + "/b")["n"] == 2
    assert bulk(couch, db) == []
    for docs in (5, [5], [[]], [None]):
        couch.told("POST", db + "/_bulk_docs", 400, json={"docs": docs})
    couch.told("POST", db + "/_bulk_docs", 415, data="{}", headers={"Content-Type": "text/plain"})


@pytest.fixture
def alphabet(couch: Couch, db: str) -> str:
    rows = bulk(couch, db, *({"_id": f"{account}:{day}", "n": day} for account in "abc" for day in range(4)))
    gone = next(row for row in rows if row["id"] == "b:2")
    bulk(couch, db, {"_id": "b:2", "_rev": gone["rev"], "_deleted": True})
    return db


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        ({"startkey": "b:", "endkey": "b:\ufff0"}, "b:0 b:1 b:3"),
        ({"start_key": "b:", "end_key": "b:\ufff0"}, "b:0 b:1 b:3"),
        ({"startkey": "a:1", "endkey": "a:3"}, "a:1 a:2 a:3"),
        ({"startkey": "a:1", "endkey": "a:3", "inclusive_end": False}, "a:1 a:2"),
        ({"startkey": "a:1", "limit": 2}, "a:1 a:2"),
        ({"startkey": "b:\ufff0", "endkey": "b:", "descending": True, "limit": 5}, "b:3 b:1 b:0"),
        ({"startkey": "z"}, ""),
        ({"key": "a:1"}, "a:1"),
        ({"limit": 0}, ""),
        ({"skip": 9}, "c:2 c:3"),
        ({"keys": ["c:0", "a:0"]}, "c:0 a:0"),
    ],
)
def test_all_docs_ranges(couch: Couch, alphabet: str, asked: dict[str, Any], ids: str) -> None:
    assert couch.keys(alphabet, **asked) == ids.split()
    couch.told("GET", alphabet + "/_all_docs?startkey=a:1", 400)  # not JSON


def test_all_docs_keys_keep_order_and_name_the_missing(couch: Couch, alphabet: str) -> None:
    keys = ["c:0", "never", "b:2", "a:1", "c:0"]
    for include in ("true", "false"):
        asked = {"params": {"include_docs": include}, "json": {"keys": keys}}
        rows = couch.told("POST", alphabet + "/_all_docs", **asked)["rows"]
        assert [row["key"] for row in rows] == keys
        assert rows[1] == {"key": "never", "error": "not_found"}
        assert (rows[2]["value"]["deleted"], rows[2].get("doc")) == (True, None)
        assert (rows[3].get("doc") or {}).get("n") == (1 if include == "true" else None)


def test_changes_are_read_page_by_page(couch: Couch, alphabet: str) -> None:
    def changes(since: Any, **more: Any) -> dict[str, Any]:
        return dict(couch.told("GET", alphabet + "/_changes", params={"since": since, **more}))

    since: Any = 0
    seen: list[dict[str, Any]] = []
    while True:
        page = changes(since, limit=5, include_docs="true")
        since = page["last_seq"]
        seen += page["results"]
        if len(page["results"]) < 5:
            break
    by_id = {change["id"]: change for change in seen}
    assert len(seen) == len(by_id) == 12
    assert by_id["b:2"]["deleted"] is True
    assert by_id["a:3"]["doc"]["n"] == 3
    assert by_id["a:3"]["changes"][0]["rev"] == by_id["a:3"]["doc"]["_rev"]
    bulk(couch, alphabet, {"_id": "new"})
    assert [change["id"] for change in changes(since)["results"]] == ["new"]


def test_find_by_pages_and_indexes(couch: Couch, db: str) -> None:
    bulk(couch, db, *({"_id": f"k{n:02d}", "kind": "ab"[n % 2]} for n in range(50)))
    found: list[str] = []
    bookmark: dict[str, str] = {}
    for _ in range(3):
        page = find(couch, db, selector={"kind": "a"}, limit=10, **bookmark)
        found += [doc["_id"] for doc in page["docs"]]
        bookmark = {"bookmark": page["bookmark"]}
    assert found == [f"k{n:02d}" for n in range(0, 50, 2)]
    assert len(find(couch, db, selector={})["docs"]) == 25
    only = find(couch, db, selector={"_id": {"$gte": "k48"}}, fields=["_id"])["docs"]
    assert only == [{"_id": "k48"}, {"_id": "k49"}]
    query = {"selector": {"kind": {"$gt": None}}, "sort": [{"kind": "asc"}]}
    refused = couch.told("POST", db + "/_find", 400, json=query)
    assert refused["error"] == "no_usable_index", "the words that Cozy's clients wait for"
    index = {"index": {"fields": ["kind"]}, "ddoc": "by-kind", "name": "by-kind", "type": "json"}
    made = [couch.told("POST", db + "/_index", json=index)["result"] for _ in range(2)]
    assert made == ["created", "exists"]
    assert [doc["kind"] for doc in find(couch, db, **query, limit=50)["docs"]] == ["a"] * 25 + ["b"] * 25
    (row,) = couch.told("GET", db + "/_design_docs", params={"include_docs": "true"})["rows"]
    assert (row["id"], row["doc"]["language"]) == ("_design/by-kind", "query")
