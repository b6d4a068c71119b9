"""The embedded CouchDB answers as CouchDB 3 does."""

from __future__ import annotations

import secrets
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from include.sandbox.couch import EmbeddedCouch
from include.sandbox.processes import ProcessError
from tests.sandbox.conftest import Couch


def bulk(couch: Couch, db: str, *docs: dict[str, Any]) -> list[dict[str, Any]]:
    return list(couch.fetch("POST", db + "/_bulk_docs", 201, json={"docs": docs}))


# Use an unknown name: after five wrong passwords, CouchDB 3.4 and later would lock the tests' own login for minutes.
@pytest.mark.parametrize("auth", [None, (f"unknown-{secrets.token_hex(4)}", "wrong"), ("", "")])
def test_nobody_passes_without_an_account(couch: Couch, db: str, auth: tuple[str, str] | None) -> None:
    with Couch(couch.root, auth) as stranger:
        for method, path in (
            *(("GET", db), ("GET", db + "/a"), ("GET", "/_all_dbs"), ("DELETE", db)),
            *(("PUT", db + "/b"), ("PUT", "/grdf-test-stranger"), ("POST", db + "/_bulk_docs")),
        ):
            body = None if method in ("GET", "DELETE") else {}
            assert stranger.fetch(method, path, 401, json=body)["error"] == "unauthorized"
        if auth is None:
            assert stranger.fetch("GET", "/_up")["status"] == "ok"
    assert couch.fetch("GET", "/")["couchdb"] == "Welcome"


def test_a_database_is_made_once_and_deleted_once(couch: Couch) -> None:
    path = f"/grdf-test-{secrets.token_hex(4)}"
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda _: couch.put(path).status_code, range(8)))
    # A cluster may answer concurrent creations with 202, but never twice that the database is new.
    assert (codes.count(201), set(codes) <= {201, 202, 412}) == (1, True)
    assert couch.fetch("PUT", path, 412)["error"] == "file_exists"
    assert path[1:] in couch.fetch("GET", "/_all_dbs")
    couch.fetch("PUT", path + "/a", 201, json={})
    assert [couch.head(path).status_code, *(couch.delete(path).status_code for _ in range(2))] == [200, 200, 404]
    couch.fetch("PUT", path + "/a", 404, json={})
    couch.fetch("PUT", path, 201)
    assert couch.fetch("GET", path)["doc_count"] == 0, "it comes back empty"
    couch.delete(path)


def test_revisions_guard_documents(couch: Couch, db: str) -> None:
    path = db + "/a"
    first = couch.fetch("PUT", path, 201, json={"load": 60})["rev"]
    couch.fetch("PUT", path, 409, json={"load": 61})
    newest = couch.fetch("PUT", path, 201, json={"load": 61, "_rev": first})["rev"]
    assert couch.fetch("PUT", path, 409, json={"load": 62, "_rev": first})["error"] == "conflict"
    assert couch.fetch("GET", path) == {"_id": "a", "_rev": newest, "load": 61}
    assert couch.head(path).headers["ETag"] == f'"{newest}"'
    couch.fetch("PUT", path, 409, json={}, headers={"If-Match": first})
    newest = couch.fetch("PUT", path, 201, json={}, headers={"If-Match": f'"{newest}"'})["rev"]
    with ThreadPoolExecutor(8) as pool:
        codes = pool.map(lambda n: couch.put(path, json={"n": n, "_rev": newest}).status_code, range(8))
    assert sorted(codes) == [201] + [409] * 7
    newest = couch.fetch("GET", path)["_rev"]
    for params, status in (({}, 409), ({"rev": first}, 409), ({"rev": "junk"}, 400), ({"rev": newest}, 200)):
        couch.fetch("DELETE", path, status, params=params)
    for name in ("a", "never"):
        assert couch.fetch("GET", f"{db}/{name}", 404)["error"] == "not_found"
        couch.fetch("DELETE", f"{db}/{name}", 404, params={"rev": newest})
    couch.fetch("PUT", path, 201, json={"back": True})


@pytest.mark.parametrize(
    ("design", "status"), [(None, 201), ({"validate_doc_update": "function () {}"}, 409)], ids=["plain", "validating"]
)
def test_the_revision_of_a_document_that_is_gone(
    couch: Couch, db: str, design: dict[str, str] | None, status: int
) -> None:
    """CouchDB 3.5.2 looks at it only in a database with a ``validate_doc_update``, and always at a tombstone."""
    if design:
        couch.fetch("PUT", db + "/_design/any", 201, json=design)
    # Until it knows that a shard of a new database has no such function, CouchDB looks, too.
    bulk(couch, db, *({"_id": f"k{n}"} for n in range(40)))
    revs = {name: couch.fetch("PUT", f"{db}/{name}", 201, json={})["rev"] for name in ("purged", "deleted", "twice")}
    for name in ("deleted", "twice"):
        couch.fetch("DELETE", f"{db}/{name}", params={"rev": revs[name]})
    asked = {"json": {"keys": [*revs]}}
    rows = couch.fetch("POST", db + "/_all_docs", **asked)["rows"]
    assert [row["value"].get("deleted", False) for row in rows] == [False, True, True]
    newest = {row["id"]: [row["value"]["rev"]] for row in rows}
    purge = {"purged": newest["purged"], "twice": newest["twice"], "deleted": [revs["deleted"]], "never": []}
    assert couch.fetch("POST", db + "/_purge", 201, json=purge)["purged"] == purge | {"deleted": []}
    rows = couch.fetch("POST", db + "/_all_docs", **asked)["rows"]
    assert [row.get("error") for row in rows] == ["not_found", None, "not_found"]
    couch.fetch("GET", db + "/purged", 404)
    assert {row["id"] for row in couch.fetch("GET", db + "/_changes")["results"]} & {*revs} == {"deleted"}
    couch.fetch("PUT", db + "/deleted", 409, json={"_rev": revs["deleted"]})
    couch.fetch("PUT", db + "/purged", status, json={"_rev": revs["purged"], "n": 2})
    couch.fetch("PUT", db + "/never", status, json={"n": 2}, params={"rev": revs["purged"]})
    rows = bulk(couch, db, *({"_id": name, "_rev": revs["twice"], "n": 2} for name in ("twice", "nor-this")))
    assert [row.get("error") for row in rows] == ["conflict" if design else None] * 2
    for name in ("purged", "never", "twice", "nor-this"):
        assert couch.get(f"{db}/{name}").json().get("n") == (None if design else 2)
    couch.fetch("PUT", db + "/purged", 409, json={"_rev": revs["purged"]})


@pytest.mark.parametrize("memory", [False, True])
def test_a_restart_keeps_the_password_and_perhaps_the_data(tmp_path: Path, memory: bool) -> None:
    folder, names, passwords = tmp_path / "couch", ["plain", "prefix/io-cozy-accounts"], set()
    for kept in ([], [] if memory else names):
        with EmbeddedCouch(folder, memory=memory) as couch, Couch(couch.url, (couch.user, couch.password)) as http:
            assert http.fetch("GET", "/_all_dbs") == kept
            for name in names if not kept else []:
                http.fetch("PUT", "/" + name.replace("/", "%2F"), 201)
            passwords.add(couch.password)
            modes = [stat.S_IMODE(file.stat().st_mode) for file in (folder, folder / "password")]
            assert modes == [0o700, 0o600]
            assert couch.password not in Path(f"/proc/{couch.pid}/cmdline").read_text()
            with pytest.raises(ProcessError, match="in use by another embedded CouchDB"):
                EmbeddedCouch(folder).__enter__()
    (password,) = passwords
    assert password not in (folder / "couch.log").read_text()
