"""Documents and databases: the embedded CouchDB answers as CouchDB 3 does.

Each test runs with the embedded server, and also with a real one if ``GRDF_TEST_COUCHDB_URL`` names one.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import pytest

from include.sandbox.couch import EmbeddedCouch
from tests.named_couch import SERVERS
from tests.sandbox.couch import Couch


@pytest.fixture(scope="module", params=["memory", *SERVERS])
def couch(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Couch]:
    if request.param == "real":
        real = request.getfixturevalue("world").couch
        with Couch(real.url, (real.user, real.password)) as session:
            session.direct = real.root
            yield session
        return
    folder: Path = tmp_path_factory.mktemp("couch")
    with (
        EmbeddedCouch(folder, memory=request.param == "memory") as server,
        Couch(server.url, (server.user, server.password)) as session,
    ):
        yield session


@pytest.fixture
def new_database(couch: Couch) -> Iterator[Callable[[str], str]]:
    made = []

    def make(name: str) -> str:
        path = "/" + quote(f"{name}-{secrets.token_hex(4)}", safe="")
        assert couch.put(path).status_code == 201
        made.append(path)
        return path

    yield make
    for path in made:
        couch.delete(path)


@pytest.fixture
def db(new_database: Callable[[str], str]) -> str:
    return new_database("grdf-test")


# Use an unknown name: after five wrong passwords, CouchDB 3.4 and later would lock the tests' own login for minutes.
@pytest.mark.parametrize("auth", [None, (f"nobody-{secrets.token_hex(4)}", "wrong"), ("", "")])
def test_nobody_passes_without_the_account(couch: Couch, db: str, auth: tuple[str, str] | None) -> None:
    couch.put(db + "/a", json={"x": 1})
    with Couch(couch.root.replace(couch.root.split("//")[1].split("@")[0] + "@", ""), auth) as stranger:
        answers = [
            stranger.get(db),
            stranger.get(db + "/a"),
            stranger.get("/_all_dbs"),
            stranger.put(db + "/b", json={}),
            stranger.put("/grdf-test-stranger"),
            stranger.delete(db),
            stranger.post(db + "/_bulk_docs", json={"docs": [{"_id": "c"}]}),
        ]
    assert [answer.status_code for answer in answers] == [401] * 7
    assert {answer.json()["error"] for answer in answers} == {"unauthorized"}
    assert couch.get(db).json()["doc_count"] == 1


def test_up_needs_no_account(couch: Couch) -> None:
    assert couch.get("/_up").json()["status"] == "ok"


def test_greeting_tells_the_kind_of_server(couch: Couch) -> None:
    greeting = couch.get("/").json()
    assert greeting["couchdb"] == "Welcome"
    assert isinstance(greeting["features"], list)


def test_a_database_is_made_once_and_deleted_once(couch: Couch) -> None:
    path = f"/grdf-test-{secrets.token_hex(4)}"
    assert couch.get(path).status_code == 404
    assert couch.head(path).status_code == 404
    first = couch.put(path)
    assert (first.status_code, first.json()) == (201, {"ok": True})
    second = couch.put(path)
    assert (second.status_code, second.json()["error"]) == (412, "file_exists")
    assert path[1:] in couch.get("/_all_dbs").json()
    assert couch.head(path).status_code == 200
    assert couch.delete(path).json() == {"ok": True}
    assert couch.delete(path).status_code == 404
    assert path[1:] not in couch.get("/_all_dbs").json()
    assert couch.put(path + "/a", json={}).status_code == 404


def test_of_racing_creations_one_wins(couch: Couch) -> None:
    path = f"/grdf-test-{secrets.token_hex(4)}"
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda _: couch.put(path).status_code, range(8)))
    couch.delete(path)
    # A cluster may answer concurrent creations with 202, but never says twice that it has created the database.
    assert codes.count(201) == 1
    assert set(codes) <= {201, 202, 412}


def test_a_deleted_database_comes_back_empty(couch: Couch, db: str) -> None:
    for _ in range(3):
        couch.put(db + "/a", json={})
        couch.delete(db)
        assert couch.put(db).status_code == 201
        assert couch.get(db).json()["doc_count"] == 0


@pytest.mark.parametrize("name", ["Bad", "1abc", "a b", "a~b", "a.b", "é", "../x", "_x", "a" * 300])
def test_illegal_database_names_are_refused(couch: Couch, name: str) -> None:
    with Couch(couch.direct, couch.auth) as direct:
        answer = direct.put("/" + quote(name, safe=""))
    assert answer.status_code == 400
    assert answer.json()["error"] in {"illegal_database_name", "database_name_too_long"}


def test_a_prefix_with_a_slash_is_a_database_of_its_own(couch: Couch, new_database: Callable[[str], str]) -> None:
    tag = f"grdf-test{secrets.token_hex(4)}"
    paths = {
        name: new_database(name)
        for name in (f"{tag}/io-cozy-accounts", f"{tag}-io-cozy-accounts", f"{tag}io-cozy-accounts", f"{tag}/a/b")
    }
    for name, path in paths.items():
        assert couch.put(path + "/account:1", json={"in": name}).status_code == 201
    for name, path in paths.items():
        assert "%2F" in path or "/" not in name
        assert couch.get(path + "/account:1").json()["in"] == name
        info = couch.get(path).json()
        assert info["doc_count"] == 1
        assert info["db_name"].startswith(name)
        assert info["db_name"] in couch.get("/_all_dbs").json()


def test_revisions_guard_documents(couch: Couch, db: str) -> None:
    made = couch.put(db + "/a", json={"load": 60})
    assert (made.status_code, made.json()["id"], made.json()["ok"]) == (201, "a", True)
    rev = made.json()["rev"]
    assert couch.put(db + "/a", json={"load": 61}).status_code == 409
    changed = couch.put(db + "/a", json={"load": 61, "_rev": rev})
    assert changed.status_code == 201
    stale = couch.put(db + "/a", json={"load": 62, "_rev": rev})
    assert (stale.status_code, stale.json()["error"]) == (409, "conflict")
    assert couch.get(db + "/a").json() == {"_id": "a", "_rev": changed.json()["rev"], "load": 61}
    assert couch.head(db + "/a").headers["ETag"] == f'"{changed.json()["rev"]}"'


def test_deletions_name_the_newest_revision(couch: Couch, db: str) -> None:
    first = couch.put(db + "/a", json={}).json()["rev"]
    newest = couch.put(db + "/a", json={"_rev": first}).json()["rev"]
    assert couch.delete(db + "/a").status_code == 409
    assert couch.delete(db + "/a", params={"rev": first}).status_code == 409
    assert couch.delete(db + "/a", params={"rev": "junk"}).status_code == 400
    gone = couch.delete(db + "/a", params={"rev": newest})
    assert (gone.status_code, gone.json()["ok"]) == (200, True)
    missing = couch.get(db + "/a")
    assert (missing.status_code, missing.json()["error"]) == (404, "not_found")
    assert couch.delete(db + "/a", params={"rev": newest}).status_code == 404
    assert couch.delete(db + "/never", params={"rev": newest}).status_code == 404
    assert couch.put(db + "/a", json={"back": True}).status_code == 201


@pytest.mark.parametrize(
    ("design", "status"), [(None, 201), ({"validate_doc_update": "function () {}"}, 409)], ids=["plain", "validating"]
)
def test_the_revision_of_a_document_that_is_gone(
    couch: Couch, db: str, design: dict[str, str] | None, status: int
) -> None:
    """CouchDB 3.5.2 looks at it only in a database with a ``validate_doc_update``, and always at a tombstone."""
    if design:
        assert couch.put(db + "/_design/any", json=design).status_code == 201
    # Until it knows that a shard of a new database has no such function, CouchDB looks, too.
    couch.post(db + "/_bulk_docs", json={"docs": [{"_id": f"k{n}"} for n in range(40)]})
    revs = {name: couch.put(f"{db}/{name}", json={"n": 1}).json()["rev"] for name in ("purged", "deleted", "twice")}
    for name in ("deleted", "twice"):
        assert couch.delete(f"{db}/{name}", params={"rev": revs[name]}).status_code == 200
    rows = couch.post(db + "/_all_docs", json={"keys": ["purged", "deleted", "twice"]}).json()["rows"]
    assert [row["value"].get("deleted", False) for row in rows] == [False, True, True]
    newest = {row["id"]: [row["value"]["rev"]] for row in rows}
    asked = {"purged": newest["purged"], "twice": newest["twice"], "deleted": [revs["deleted"]], "never": []}
    answer = couch.post(db + "/_purge", json=asked)
    assert answer.status_code == 201
    assert answer.json()["purged"] == asked | {"deleted": []}
    rows = couch.post(db + "/_all_docs", json={"keys": ["purged", "deleted", "twice"]}).json()["rows"]
    assert [row.get("error") for row in rows] == ["not_found", None, "not_found"]
    assert couch.get(db + "/purged").status_code == 404
    changed = {row["id"] for row in couch.get(db + "/_changes").json()["results"]}
    assert changed & {"purged", "deleted", "twice"} == {"deleted"}

    assert couch.put(db + "/deleted", json={"_rev": revs["deleted"]}).status_code == 409
    assert couch.put(db + "/purged", json={"_rev": revs["purged"], "n": 2}).status_code == status
    assert couch.put(db + "/never", json={"n": 2}, params={"rev": revs["purged"]}).status_code == status
    docs = [{"_id": name, "_rev": revs["twice"], "n": 2} for name in ("twice", "nor-this")]
    rows = couch.post(db + "/_bulk_docs", json={"docs": docs}).json()
    assert [row.get("error") for row in rows] == ["conflict" if design else None] * 2
    for name in ("purged", "never", "twice", "nor-this"):
        assert couch.get(f"{db}/{name}").json().get("n") == (None if design else 2)
    assert couch.put(db + "/purged", json={"_rev": revs["purged"]}).status_code == 409
    if design:
        assert couch.put(db + "/purged", json={"n": 3}).status_code == 201


def test_what_a_purge_leaves_in_files_can_be_freed(couch: Couch, db: str) -> None:
    couch.put(db + "/_design/any", json={"views": {"all": {"map": "function (doc) { emit(doc._id); }"}}})
    rev = couch.put(db + "/a", json={}).json()["rev"]
    assert len(couch.get(db + "/_design/any/_view/all").json()["rows"]) == 1
    couch.post(db + "/_purge", json={"a": [rev]})
    assert couch.get(db + "/_design/any/_view/all").json()["rows"] == []
    for path in ("_compact", "_compact/any", "_view_cleanup"):
        assert couch.post(f"{db}/{path}", json={}).status_code == 202


def test_if_match_counts_as_the_revision(couch: Couch, db: str) -> None:
    rev = couch.put(db + "/a", json={}).json()["rev"]
    newer = couch.put(db + "/a", json={"n": 2}, headers={"If-Match": f'"{rev}"'})
    assert newer.status_code == 201
    assert couch.put(db + "/a", json={"n": 3}, headers={"If-Match": rev}).status_code == 409


def test_of_racing_writers_one_wins(couch: Couch, db: str) -> None:
    rev = couch.put(db + "/a", json={}).json()["rev"]
    for _ in range(5):
        bodies = [{"n": n, "_rev": rev} for n in range(8)]
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda body: couch.put(db + "/a", json=body), bodies))
        assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
        rev = couch.get(db + "/a").json()["_rev"]


@pytest.mark.parametrize("key", ["compte:21546000000000:2024-03-28", "a/b", "é😀", "null", "a+b c", "%2F"])
def test_ids_are_kept_to_the_letter(couch: Couch, db: str, key: str) -> None:
    path = db + "/" + quote(key, safe="")
    assert couch.put(path, json={"x": 1}).json()["id"] == key
    assert couch.get(path).json()["_id"] == key
    assert [row["id"] for row in couch.get(db + "/_all_docs").json()["rows"]] == [key]


def test_values_come_back_as_they_went(couch: Couch, db: str) -> None:
    body = {
        "text": 'été 😀 \u0000 \\ "',
        "none": None,
        "yes": True,
        "deep": {"list": [1, {"a": []}, "x"], "__proto": 1},
        "exact": 2**53 - 1,
        "float": 76.712,
        "small": 1e-7,
        "negative": -5,
    }
    couch.put(db + "/a", json=body)
    stored = couch.get(db + "/a").json()
    assert {key: value for key, value in stored.items() if not key.startswith("_") or key in body} == body


def test_a_whole_float_is_equal_to_the_integer(couch: Couch, db: str) -> None:
    # The embedded server returns 1.0 as 1 (JavaScript has one number type), CouchDB as 1.0. So the project's code must
    # not distinguish them.
    couch.put(db + "/a", json={"load": 1.0, "zero": 0.0})
    stored = couch.get(db + "/a").json()
    assert (stored["load"], stored["zero"]) == (1, 0)


@pytest.mark.parametrize("body", ["[1]", "5", '"x"', "null", "{", '{"_unknown": 1}', '{"_rev": "junk"}'])
def test_what_is_no_document_is_refused(couch: Couch, db: str, body: str) -> None:
    answer = couch.put(db + "/a", data=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400, answer.text
    assert couch.get(db + "/a").status_code == 404


def test_a_put_without_content_type_stores_the_document(couch: Couch, db: str) -> None:
    assert couch.put(db + "/a", data=b'{"load": 5}').status_code == 201
    assert couch.get(db + "/a").json()["load"] == 5


def test_an_id_is_given_to_a_document_without_one(couch: Couch, db: str) -> None:
    answer = couch.post(db, json={"load": 5})
    assert answer.status_code == 201
    assert couch.get(f"{db}/{answer.json()['id']}").json()["load"] == 5
