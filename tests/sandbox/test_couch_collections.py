"""Many documents at once: _bulk_docs, _all_docs, _changes and _find, also through the cloudant client.

As in test_couch_documents.py, ``GRDF_TEST_COUCHDB_URL`` adds a real CouchDB to the embedded one.
"""

from __future__ import annotations

import json
import secrets
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from include.sandbox.couch import EmbeddedCouch
from tests.named_couch import SERVERS

with warnings.catch_warnings():  # importing it warns once that it is deprecated
    warnings.simplefilter("ignore", DeprecationWarning)
    from cloudant.client import CouchDB


@pytest.fixture(scope="module", params=SERVERS)
def account(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, str]]:
    """Address, user and password of a server."""
    if request.param == "embedded":
        with EmbeddedCouch(tmp_path_factory.mktemp("couch")) as server:
            yield server.url, server.user, server.password
    else:
        server = request.getfixturevalue("world").couch
        yield server.url, server.user, server.password


class Database:
    """One database, asked by path and by JSON."""

    def __init__(self, account: tuple[str, str, str]) -> None:
        self.session = requests.Session()
        self.session.trust_env, self.session.auth = False, account[1:]
        self.url = f"{account[0]}/grdf-test%2F{secrets.token_hex(4)}"

    def get(self, path: str, **params: Any) -> Any:
        answer = self.session.get(self.url + path, params=params, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def post(self, path: str, body: Any) -> Any:
        answer = self.session.post(self.url + path, json=body, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def bulk(self, *docs: dict[str, Any]) -> list[dict[str, Any]]:
        return self.post("/_bulk_docs", {"docs": docs})

    def keys(self, **params: Any) -> list[str]:
        encoded = {name: json.dumps(value) for name, value in params.items()}
        return [row["id"] for row in self.get("/_all_docs", **encoded)["rows"]]


@pytest.fixture
def db(account: tuple[str, str, str]) -> Iterator[Database]:
    database = Database(account)
    with database.session:
        assert database.session.put(database.url, timeout=30).status_code == 201
        yield database
        database.session.delete(database.url, timeout=30)


def test_bulk_answers_row_by_row_in_the_order_asked(db: Database) -> None:
    first = db.bulk(*({"_id": f"k{n:03d}", "n": n} for n in range(60)))
    revs = {row["id"]: row["rev"] for row in first}
    assert [row["id"] for row in first] == sorted(revs)
    # In reverse order: one third with a revision, one third without, one third new.
    docs: list[dict[str, Any]] = []
    for n in reversed(range(60)):
        key = f"k{n:03d}"
        docs.append([{"_id": key, "_rev": revs[key], "new": n}, {"_id": key}, {"_id": f"x{n:03d}"}][n % 3])
    rows = db.bulk(*docs)
    assert [row["id"] for row in rows] == [doc["_id"] for doc in docs]
    for doc, row in zip(docs, rows, strict=True):
        if doc["_id"].startswith("k") and "_rev" not in doc:
            assert row["error"] == "conflict"
            assert "rev" not in row
        else:
            assert db.get("/" + doc["_id"])["_rev"] == row["rev"]


def test_bulk_of_the_same_id_twice_writes_it_once(db: Database) -> None:
    rows = db.bulk({"_id": "a", "n": 1}, {"_id": "b"}, {"_id": "a", "n": 2})
    assert [row["id"] for row in rows] == ["a", "b", "a"]
    assert sorted("rev" in row for row in rows) == [False, True, True]


def test_bulk_deletes_and_brings_back(db: Database) -> None:
    (row,) = db.bulk({"_id": "a:1", "n": 1})
    assert db.bulk({"_id": "a:1", "_rev": row["rev"], "_deleted": True})[0]["ok"] is True
    assert db.keys() == []
    assert db.bulk({"_id": "a:1", "n": 2})[0]["ok"] is True
    assert db.get("/a:1")["n"] == 2


def test_bulk_of_nothing_and_of_no_documents(db: Database) -> None:
    assert db.bulk() == []
    for docs in (5, [5], ["x"], [[]], [None]):
        answer = db.session.post(db.url + "/_bulk_docs", json={"docs": docs}, timeout=30)
        assert answer.status_code == 400, docs
    for content_type in (None, "text/plain"):
        answer = db.session.post(db.url + "/_bulk_docs", data="{}", headers={"Content-Type": content_type}, timeout=30)
        assert answer.status_code == 415


def test_two_thousand_documents_at_once(db: Database) -> None:
    rows = db.bulk(*({"_id": f"compte:21546:{n:05d}", "load": n} for n in range(2000)))
    assert [row["id"] for row in rows] == [f"compte:21546:{n:05d}" for n in range(2000)]
    assert all(row["ok"] for row in rows)
    assert db.get("")["doc_count"] == 2000
    stored = db.get("/_all_docs", include_docs="true")["rows"]
    assert [row["doc"]["load"] for row in stored] == list(range(2000))


@pytest.fixture
def alphabet(db: Database) -> Database:
    rows = db.bulk(*({"_id": f"{account}:{day}", "n": day} for account in "abc" for day in range(4)))
    gone = next(row for row in rows if row["id"] == "b:2")
    db.bulk({"_id": "b:2", "_rev": gone["rev"], "_deleted": True})
    return db


def test_all_docs_ranges(alphabet: Database) -> None:
    assert alphabet.keys(startkey="b:", endkey="b:\ufff0") == ["b:0", "b:1", "b:3"]
    assert alphabet.keys(start_key="b:", end_key="b:\ufff0") == ["b:0", "b:1", "b:3"]
    assert alphabet.keys(startkey="a:1", endkey="a:3") == ["a:1", "a:2", "a:3"]
    assert alphabet.keys(startkey="a:1", endkey="a:3", inclusive_end=False) == ["a:1", "a:2"]
    assert alphabet.keys(startkey="a:1", limit=2) == ["a:1", "a:2"]
    assert alphabet.keys(startkey="c:\ufff0", endkey="b:", descending=True, limit=5)[-1] == "b:3"
    assert alphabet.keys(descending=True, limit=1) == ["c:3"]
    assert alphabet.keys(startkey="z") == []
    assert alphabet.keys(key="a:1") == ["a:1"]
    assert alphabet.keys(limit=0) == []
    assert alphabet.keys(skip=9) == ["c:2", "c:3"]


def test_all_docs_keys_keep_order_and_name_the_missing(alphabet: Database) -> None:
    keys = ["c:0", "never", "b:2", "a:1", "c:0"]
    for include in ("true", "false"):
        rows = alphabet.session.post(
            alphabet.url + "/_all_docs", params={"include_docs": include}, json={"keys": keys}, timeout=30
        ).json()["rows"]
        assert [row["key"] for row in rows] == keys
        assert rows[1] == {"key": "never", "error": "not_found"}
        assert rows[2]["value"]["deleted"] is True
        assert rows[2].get("doc") is None
        if include == "true":
            assert rows[3]["doc"]["n"] == 1
    assert alphabet.keys(keys=["c:0", "a:0"]) == ["c:0", "a:0"]


def test_a_key_that_is_not_json_is_refused(alphabet: Database) -> None:
    answer = alphabet.session.get(alphabet.url + "/_all_docs?startkey=a:1", timeout=30)
    assert answer.status_code == 400


def test_changes_are_read_page_by_page(alphabet: Database) -> None:
    since: Any = 0
    seen: list[dict[str, Any]] = []
    for _ in range(10):
        page = alphabet.get("/_changes", since=since, limit=5, include_docs="true")
        since = page["last_seq"]
        seen += page["results"]
        if len(page["results"]) < 5:
            break
    by_id = {change["id"]: change for change in seen}
    assert len(seen) == len(by_id) == 12
    assert by_id["b:2"]["deleted"] is True
    assert by_id["a:3"]["doc"]["n"] == 3
    assert by_id["a:3"]["changes"][0]["rev"] == by_id["a:3"]["doc"]["_rev"]
    assert alphabet.get("/_changes", since=since)["results"] == []
    alphabet.bulk({"_id": "new"})
    assert [change["id"] for change in alphabet.get("/_changes", since=since)["results"]] == ["new"]


def test_find_pages_by_bookmark(db: Database) -> None:
    db.bulk(*({"_id": f"k{n:02d}", "kind": "ab"[n % 2]} for n in range(50)))
    body: dict[str, Any] = {"selector": {"kind": "a"}, "limit": 10}
    found: list[str] = []
    for _ in range(10):
        page = db.post("/_find", body)
        found += [doc["_id"] for doc in page["docs"]]
        if len(page["docs"]) < 10:
            break
        body["bookmark"] = page["bookmark"]
    assert found == [f"k{n:02d}" for n in range(0, 50, 2)]
    assert len(db.post("/_find", {"selector": {}})["docs"]) == 25
    only = db.post("/_find", {"selector": {"_id": {"$gte": "k48"}}, "fields": ["_id"]})["docs"]
    assert only == [{"_id": "k48"}, {"_id": "k49"}]


def test_an_index_is_made_once(db: Database) -> None:
    index = {"index": {"fields": ["kind"]}, "ddoc": "by-kind", "name": "by-kind", "type": "json"}
    assert db.post("/_index", index)["result"] == "created"
    assert db.post("/_index", index)["result"] == "exists"
    db.bulk({"_id": "a", "kind": "x"}, {"_id": "b", "kind": "y"})
    assert [doc["_id"] for doc in db.post("/_find", {"selector": {"kind": "y"}})["docs"]] == ["b"]


def test_a_sort_without_an_index_is_refused_in_the_words_that_cozys_clients_wait_for(db: Database) -> None:
    db.bulk({"_id": "a", "x": 1})
    query = {"selector": {"x": {"$gt": None}}, "sort": [{"x": "asc"}]}
    answer = db.session.post(f"{db.url}/_find", json=query, timeout=30)
    assert (answer.status_code, answer.json()["error"]) == (400, "no_usable_index")


def test_design_documents_are_listed_alone(db: Database) -> None:
    db.bulk({"_id": "a", "x": 1})
    db.post("/_index", {"index": {"fields": ["x"]}, "ddoc": "by_x", "name": "by_x"})
    (row,) = db.get("/_design_docs", include_docs="true")["rows"]
    assert (row["id"], row["doc"]["language"]) == ("_design/by_x", "query")


def test_the_cloudant_client(account: tuple[str, str, str], db: Database) -> None:
    url, user, password = account
    name = db.url.removeprefix(url + "/").replace("%2F", "/")
    client = CouchDB(user, password, url=url, use_basic_auth=True, timeout=(3.05, 60), connect=True)
    try:
        assert name in client.all_dbs()
        database = client[name]
        assert database.exists()
        rows = database.bulk_docs([{"_id": "a:1", "load": 60}, {"_id": "a:2"}])
        assert {row["id"] for row in rows if "rev" in row} == {"a:1", "a:2"}
        assert database.bulk_docs([{"_id": "a:1"}])[0]["error"] == "conflict"
        listed = database.all_docs(startkey="a:", endkey="a:\ufff0", include_docs=True, limit=10)["rows"]
        assert listed[0]["doc"]["load"] == 60
        assert [row["key"] for row in database.all_docs(keys=["a:2", "no"])["rows"]] == ["a:2", "no"]
        changes = client.r_session.get(database.database_url + "/_changes", params={"limit": 1})
        assert len(changes.json()["results"]) == 1
        assert len(list(database.changes())) == 2
        assert client.r_session.put(database.database_url + "/a:1", json={}).status_code == 409
    finally:
        client.disconnect()


def test_a_session_cookie_opens_the_server_too(account: tuple[str, str, str]) -> None:
    url, user, password = account
    client = CouchDB(user, password, url=url, timeout=(3.05, 60), connect=True)
    assert isinstance(client.all_dbs(), list)
    assert client.session()["userCtx"]["name"] == user
    client.disconnect()
