"""The embedded CouchDB answers as CouchDB 3 does.

Each test runs with the embedded server, and also with a real one if ``GRDF_TEST_COUCHDB_URL`` names one.
"""

from __future__ import annotations

import json
import secrets
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from include.sandbox.couch import EmbeddedCouch
from include.sandbox.processes import ProcessError
from tests.sandbox.conftest import Couch


def bulk(couch: Couch, db: str, *docs: dict[str, Any]) -> list[dict[str, Any]]:
    return list(couch.told("POST", db + "/_bulk_docs", 201, json={"docs": docs}))


def keys(couch: Couch, db: str, **params: Any) -> list[str]:
    encoded = {name: json.dumps(value) for name, value in params.items()}
    return [row["id"] for row in couch.told("GET", f"{db}/_all_docs", params=encoded)["rows"]]


# ---- Databases ----


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
        if auth is None:
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
    assert [couch.head(path).status_code, *(couch.delete(path).status_code for _ in range(2))] == [200, 200, 404]
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


# ---- Documents ----


def test_revisions_guard_documents(couch: Couch, db: str) -> None:
    path = db + "/a"
    first = couch.told("PUT", path, 201, json={"load": 60})["rev"]
    couch.told("PUT", path, 409, json={"load": 61})
    newest = couch.told("PUT", path, 201, json={"load": 61, "_rev": first})["rev"]
    assert couch.told("PUT", path, 409, json={"load": 62, "_rev": first})["error"] == "conflict"
    assert couch.told("GET", path) == {"_id": "a", "_rev": newest, "load": 61}
    assert couch.head(path).headers["ETag"] == f'"{newest}"'
    couch.told("PUT", path, 409, json={}, headers={"If-Match": first})
    newest = couch.told("PUT", path, 201, json={}, headers={"If-Match": f'"{newest}"'})["rev"]
    with ThreadPoolExecutor(8) as pool:
        codes = pool.map(lambda n: couch.put(path, json={"n": n, "_rev": newest}).status_code, range(8))
    assert sorted(codes) == [201] + [409] * 7
    newest = couch.told("GET", path)["_rev"]
    for params, status in (({}, 409), ({"rev": first}, 409), ({"rev": "junk"}, 400), ({"rev": newest}, 200)):
        couch.told("DELETE", path, status, params=params)
    for name in ("a", "never"):
        assert couch.told("GET", f"{db}/{name}", 404)["error"] == "not_found"
        couch.told("DELETE", f"{db}/{name}", 404, params={"rev": newest})
    couch.told("PUT", path, 201, json={"back": True})


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
    bulk(couch, db, *({"_id": f"k{n}"} for n in range(40)))
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
    rows = bulk(couch, db, *({"_id": name, "_rev": revs["twice"], "n": 2} for name in ("twice", "nor-this")))
    assert [row.get("error") for row in rows] == ["conflict" if design else None] * 2
    for name in ("purged", "never", "twice", "nor-this"):
        assert couch.get(f"{db}/{name}").json().get("n") == (None if design else 2)
    couch.told("PUT", db + "/purged", 409, json={"_rev": revs["purged"]})


def test_ids_and_values_come_back_as_they_went(couch: Couch, db: str) -> None:
    body = {
        "text": 'été 😀 \u0000 \\ "', "none": None, "deep": {"list": [1, {"a": []}, "x"], "__proto": 1, "yes": True},
        "numbers": [2**53 - 1, 76.712, 1e-7, -5], "whole": 1.0,  # returned as 1 by the embedded one, as 1.0 by CouchDB
    }  # fmt: skip
    ids = ["%2F", "a+b c", "a/b", "compte:21546000000000:2024-03-28", "null", "é😀"]
    for key in ids:
        assert couch.told("PUT", f"{db}/{quote(key, safe='')}", 201, json=body)["id"] == key
        stored = couch.told("GET", f"{db}/{quote(key, safe='')}")
        assert stored == body | {"_id": key, "_rev": stored["_rev"]}
    assert sorted(keys(couch, db)) == sorted(ids)
    couch.told("PUT", db + "/b", 201, data=b'{"load": 5}')  # without a content type
    given = couch.told("POST", db, 201, json={"load": 5})["id"]
    assert [couch.told("GET", f"{db}/{name}")["load"] for name in ("b", given)] == [5, 5]


# ---- Many at once ----


def test_bulk_of_the_same_id_twice_of_deletions_and_of_nonsense(couch: Couch, db: str) -> None:
    rows = bulk(couch, db, {"_id": "a", "n": 1}, {"_id": "b"}, {"_id": "a", "n": 2})
    assert [row["id"] for row in rows] == ["a", "b", "a"]
    assert sorted("rev" in row for row in rows) == [False, True, True]
    assert bulk(couch, db, {"_id": "b", "_rev": rows[1]["rev"], "_deleted": True})[0]["ok"] is True
    assert keys(couch, db) == ["a"]
    assert bulk(couch, db, {"_id": "b", "n": 2})[0]["ok"] is True
    assert couch.told("GET", db + "/b")["n"] == 2
    assert bulk(couch, db) == []
    for docs in (5, [5], [[]], [None]):
        couch.told("POST", db + "/_bulk_docs", 400, json={"docs": docs})
    couch.told("POST", db + "/_bulk_docs", 415, data="{}", headers={"Content-Type": "text/plain"})


@pytest.fixture
def alphabet(couch: Couch, db: str) -> str:
    """A database with a:0 to c:3, of which b:2 was deleted."""
    rows = bulk(couch, db, *({"_id": f"{account}:{day}", "n": day} for account in "abc" for day in range(4)))
    bulk(couch, db, *({"_id": row["id"], "_rev": row["rev"], "_deleted": True} for row in rows if row["id"] == "b:2"))
    return db


RANGES: list[tuple[dict[str, Any], str]] = [
    ({"startkey": "b:", "endkey": "b:\ufff0"}, "b:0 b:1 b:3"),
    ({"start_key": "b:", "end_key": "b:\ufff0"}, "b:0 b:1 b:3"),
    ({"startkey": "a:1", "endkey": "a:3"}, "a:1 a:2 a:3"),
    ({"startkey": "a:1", "endkey": "a:3", "inclusive_end": False}, "a:1 a:2"),
    ({"startkey": "a:1", "limit": 2}, "a:1 a:2"),
    ({"startkey": "b:\ufff0", "endkey": "b:", "descending": True, "limit": 5}, "b:3 b:1 b:0"),
    ({"startkey": "z"}, ""), ({"key": "a:1"}, "a:1"), ({"limit": 0}, ""), ({"skip": 9}, "c:2 c:3"),
    ({"keys": ["c:0", "a:0"]}, "c:0 a:0"),
]  # fmt: skip


def test_all_docs_by_ranges_and_by_keys(couch: Couch, alphabet: str) -> None:
    assert [(asked, " ".join(keys(couch, alphabet, **asked))) for asked, _ in RANGES] == RANGES
    couch.told("GET", alphabet + "/_all_docs?startkey=a:1", 400)  # not JSON
    wanted = ["c:0", "never", "b:2", "a:1", "c:0"]
    for include in ("true", "false"):
        asked = {"params": {"include_docs": include}, "json": {"keys": wanted}}
        rows = couch.told("POST", alphabet + "/_all_docs", **asked)["rows"]
        assert [row["key"] for row in rows] == wanted
        assert rows[1] == {"key": "never", "error": "not_found"}
        assert (rows[2]["value"]["deleted"], rows[2].get("doc")) == (True, None)
        assert (rows[3].get("doc") or {}).get("n") == (1 if include == "true" else None)


def test_changes_are_read_page_by_page(couch: Couch, alphabet: str) -> None:
    since: Any = 0
    seen: list[dict[str, Any]] = []
    while True:
        more = {"since": since, "limit": 5, "include_docs": "true"}
        page = couch.told("GET", alphabet + "/_changes", params=more)
        since, seen = page["last_seq"], seen + page["results"]
        if len(page["results"]) < 5:
            break
    by_id = {change["id"]: change for change in seen}
    assert len(seen) == len(by_id) == 12
    assert by_id["b:2"]["deleted"] is True
    assert (by_id["a:3"]["doc"]["n"], by_id["a:3"]["changes"]) == (3, [{"rev": by_id["a:3"]["doc"]["_rev"]}])
    bulk(couch, alphabet, {"_id": "new"})
    (change,) = couch.told("GET", alphabet + "/_changes", params={"since": since})["results"]
    assert change["id"] == "new"


# ---- The embedded server's own process ----


@pytest.mark.parametrize("memory", [False, True])
def test_a_restart_keeps_the_password_and_perhaps_the_data(tmp_path: Path, memory: bool) -> None:
    folder, names, passwords = tmp_path / "couch", ["plain", "prefix/io-cozy-accounts"], set()
    for kept in ([], [] if memory else names):
        with EmbeddedCouch(folder, memory=memory) as couch, Couch(couch.url, (couch.user, couch.password)) as http:
            assert http.told("GET", "/_all_dbs") == kept
            for name in names if not kept else []:
                http.told("PUT", "/" + name.replace("/", "%2F"), 201)
            passwords.add(couch.password)
            modes = [stat.S_IMODE(file.stat().st_mode) for file in (folder, folder / "password")]
            assert modes == [0o700, 0o600]
            assert couch.password not in Path(f"/proc/{couch.pid}/cmdline").read_text()
            with pytest.raises(ProcessError, match="in use by another embedded CouchDB"):
                EmbeddedCouch(folder).__enter__()
    (password,) = passwords
    assert password not in (folder / "couch.log").read_text()
