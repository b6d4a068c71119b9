"""Documents and databases: the embedded CouchDB answers as CouchDB 3 does.

Each test runs with the embedded server, and also with a real one if ``GRDF_TEST_COUCHDB_URL`` names one.
"""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest

from tests.sandbox.couch import Couch


# Use an unknown name: after five wrong passwords, CouchDB 3.4 and later would lock the tests' own login for minutes.
@pytest.mark.parametrize("auth", [None, (f"nobody-{secrets.token_hex(4)}", "wrong"), ("", "")])
def test_nobody_passes_without_an_account(couch: Couch, db: str, auth: tuple[str, str] | None) -> None:
    with Couch(couch.root, auth) as stranger:
        for method, path in (
            *(("GET", db), ("GET", db + "/a"), ("GET", "/_all_dbs"), ("DELETE", db)),
            *(("PUT", db + "/b"), ("PUT", "/grdf-test-stranger"), ("POST", db + "/_bulk_docs")),
        ):
            body = None if method in ("GET", "DELETE") else {}
            assert stranger.told(method, path, 401, json=body)["error"] == "unauthorized"
        assert stranger.told("GET", "/_up")["status"] == "ok"
    assert couch.told("GET", "/")["couchdb"] == "Welcome"


def test_a_database_is_made_once_and_deleted_once(couch: Couch) -> None:
    path = f"/grdf-test-{secrets.token_hex(4)}"
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda _: couch.put(path).status_code, range(8)))
    # A cluster may answer concurrent creations with 202, but never says twice that it has created the database.
    assert (codes.count(201), set(codes) <= {201, 202, 412}) == (1, True)
    assert couch.told("PUT", path, 412)["error"] == "file_exists"
    assert path[1:] in couch.told("GET", "/_all_dbs")
    couch.told("PUT", path + "/a", 201, json={})
    assert [couch.head(path).status_code, couch.delete(path).status_code, couch.delete(path).status_code] == [
        200,
        200,
        404,
    ]
    couch.told("PUT", path + "/a", 404, json={})
    couch.told("PUT", path, 201)
    assert couch.told("GET", path)["doc_count"] == 0, "it comes back empty"
    couch.delete(path)
    assert [couch.get(path).status_code, couch.head(path).status_code] == [404, 404]


@pytest.mark.parametrize("name", ["Bad", "1abc", "a b", "a~b", "é", "../x", "_x", "a" * 300])
def test_illegal_database_names_are_refused(couch: Couch, name: str) -> None:
    with Couch(couch.direct, couch.auth) as direct:
        error = direct.told("PUT", "/" + quote(name, safe=""), 400)["error"]
    assert error in {"illegal_database_name", "database_name_too_long"}


def test_revisions_guard_documents(couch: Couch, db: str) -> None:
    first = couch.told("PUT", db + "/a", 201, json={"load": 60})["rev"]
    couch.told("PUT", db + "/a", 409, json={"load": 61})
    newest = couch.told("PUT", db + "/a", 201, json={"load": 61, "_rev": first})["rev"]
    assert couch.told("PUT", db + "/a", 409, json={"load": 62, "_rev": first})["error"] == "conflict"
    assert couch.told("GET", db + "/a") == {"_id": "a", "_rev": newest, "load": 61}
    assert couch.head(db + "/a").headers["ETag"] == f'"{newest}"'
    couch.told("PUT", db + "/a", 409, json={}, headers={"If-Match": first})
    newest = couch.told("PUT", db + "/a", 201, json={}, headers={"If-Match": f'"{newest}"'})["rev"]
    with ThreadPoolExecutor(8) as pool:
        codes = pool.map(lambda n: couch.put(db + "/a", json={"n": n, "_rev": newest}).status_code, range(8))
    assert sorted(codes) == [201] + [409] * 7


def test_deletions_name_the_newest_revision(couch: Couch, db: str) -> None:
    first = couch.told("PUT", db + "/a", 201, json={})["rev"]
    newest = couch.told("PUT", db + "/a", 201, json={"_rev": first})["rev"]
    for params, status in (({}, 409), ({"rev": first}, 409), ({"rev": "junk"}, 400), ({"rev": newest}, 200)):
        couch.told("DELETE", db + "/a", status, params=params)
    for name in ("a", "never"):
        assert couch.told("GET", f"{db}/{name}", 404)["error"] == "not_found"
        couch.told("DELETE", f"{db}/{name}", 404, params={"rev": newest})
    couch.told("PUT", db + "/a", 201, json={"back": True})


@pytest.mark.parametrize(
    ("design", "status"), [(None, 201), ({"validate_doc_update": "function () {}"}, 409)], ids=["plain", "validating"]
)
def test_the_revision_of_a_document_that_is_gone(
    couch: Couch, db: str, design: dict[str, str] | None, status: int
) -> None:
    """CouchDB 3.5.2 looks at it only in a database with a ``validate_doc_update``, and always at a tombstone."""
    if design:
        couch.told("PUT", db + "/_design/any", 201, json=design)
    # Until it knows that a shard of a new database has no such function, CouchDB looks, too.
    couch.post(db + "/_bulk_docs", json={"docs": [{"_id": f"k{n}"} for n in range(40)]})
    revs = {name: couch.told("PUT", f"{db}/{name}", 201, json={})["rev"] for name in ("purged", "deleted", "twice")}
    for name in ("deleted", "twice"):
        couch.told("DELETE", f"{db}/{name}", params={"rev": revs[name]})
    asked = {"json": {"keys": [*revs]}}
    rows = couch.told("POST", db + "/_all_docs", **asked)["rows"]
    assert [row["value"].get("deleted", False) for row in rows] == [False, True, True]
    newest = {row["id"]: [row["value"]["rev"]] for row in rows}
    purge = {"purged": newest["purged"], "twice": newest["twice"], "deleted": [revs["deleted"]], "never": []}
    assert couch.told("POST", db + "/_purge", 201, json=purge)["purged"] == purge | {"deleted": []}
    rows = couch.told("POST", db + "/_all_docs", **asked)["rows"]
    assert [row.get("error") for row in rows] == ["not_found", None, "not_found"]
    couch.told("GET", db + "/purged", 404)
    assert {row["id"] for row in couch.told("GET", db + "/_changes")["results"]} & {*revs} == {"deleted"}

    couch.told("PUT", db + "/deleted", 409, json={"_rev": revs["deleted"]})
    couch.told("PUT", db + "/purged", status, json={"_rev": revs["purged"], "n": 2})
    couch.told("PUT", db + "/never", status, json={"n": 2}, params={"rev": revs["purged"]})
    docs = [{"_id": name, "_rev": revs["twice"], "n": 2} for name in ("twice", "nor-this")]
    rows = couch.told("POST", db + "/_bulk_docs", 201, json={"docs": docs})
    assert [row.get("error") for row in rows] == ["conflict" if design else None] * 2
    for name in ("purged", "never", "twice", "nor-this"):
        assert couch.get(f"{db}/{name}").json().get("n") == (None if design else 2)
    couch.told("PUT", db + "/purged", 409, json={"_rev": revs["purged"]})


@pytest.mark.parametrize("key", ["compte:21546000000000:2024-03-28", "a/b", "é😀", "null", "a+b c", "%2F"])
def test_ids_are_kept_to_the_letter(couch: Couch, db: str, key: str) -> None:
    path = db + "/" + quote(key, safe="")
    assert couch.told("PUT", path, 201, json={"x": 1})["id"] == key
    assert couch.told("GET", path)["_id"] == key
    assert couch.keys(db) == [key]


def test_values_come_back_as_they_went(couch: Couch, db: str) -> None:
    body = {
        "text": 'été 😀 \u0000 \\ "',
        "none": None,
        "deep": {"list": [1, {"a": []}, "x"], "__proto": 1, "yes": True},
        "numbers": [2**53 - 1, 76.712, 1e-7, -5],
        "whole": 1.0,  # which the embedded server returns as 1, CouchDB as 1.0
    }
    couch.put(db + "/a", json=body)
    stored = couch.told("GET", db + "/a")
    assert {name: stored[name] for name in body} == body
    couch.told("PUT", db + "/b", 201, data=b'{"load": 5}')  # without a content type
    assert couch.told("GET", db + "/b")["load"] == 5
    given = couch.told("POST", db, 201, json={"load": 5})["id"]
    assert couch.told("GET", f"{db}/{given}")["load"] == 5
