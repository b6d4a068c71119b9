"""Two roles and the lockout of CouchDB 3.4 and later: the embedded server answers as CouchDB 3.5 does.

If ``GRDF_TEST_COUCHDB_URL`` names a CouchDB, the roles are also tested there, with a user created for the tests.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import requests

from include.sandbox.couch import EmbeddedCouch
from tests.named_couch import SERVERS
from tests.sandbox.couch import Couch

LOCKED = "Account is temporarily locked due to multiple authentication failures"


@pytest.fixture(scope="module", params=SERVERS)
def admin(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Couch]:
    if request.param == "real":
        real = request.getfixturevalue("world").couch
        with Couch(real.url, (real.user, real.password)) as session:
            yield session
        return
    with (
        EmbeddedCouch(tmp_path_factory.mktemp("couch")) as server,
        Couch(server.url, (server.user, server.password)) as session,
    ):
        yield session


Member = Callable[..., Couch]


@pytest.fixture
def member(admin: Couch) -> Iterator[Member]:
    """A function that creates an ordinary user and returns a session for it."""
    made = []
    admin.put("/_users")

    def make(password: str = "hush", **fields: object) -> Couch:
        name = f"grdf-test-{secrets.token_hex(4)}"
        path = "/_users/" + quote(f"org.couchdb.user:{name}", safe="")
        document = {"name": name, "password": password, "roles": [], "type": "user", **fields}
        assert admin.put(path, json=document).status_code == 201
        session = Couch(admin.root, (name, password))
        made.append((path, session))
        return session

    yield make
    for path, session in made:
        admin.delete(path, params={"rev": admin.get(path).json()["_rev"]})
        session.close()


@pytest.fixture
def db(admin: Couch) -> Iterator[str]:
    path = "/" + quote(f"grdf-test/{secrets.token_hex(4)}", safe="")
    assert admin.put(path).status_code == 201
    assert admin.put(path + "/a", json={"x": 1}).status_code == 201
    yield path
    admin.delete(path)


def let_in(admin: Couch, db: str, who: Couch, group: str = "members") -> None:
    name = who.auth[0]
    groups = {"admins": {"names": [], "roles": ["_admin"]}, "members": {"names": [], "roles": ["_admin"]}}
    groups[group]["names"].append(name)
    assert admin.put(db + "/_security", json=groups).status_code == 200


def refusal(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


def test_a_new_database_is_the_administrators_alone(admin: Couch, member: Member, db: str) -> None:
    stranger = member()
    assert admin.get(db + "/_security").json()["members"]["roles"] == ["_admin"]
    for answer in (
        stranger.get(db),
        stranger.get(db + "/a"),
        stranger.put(db + "/b", json={}),
        stranger.get(db + "/_all_docs"),
        stranger.get(db + "/_security"),
    ):
        assert refusal(answer) == (403, "forbidden")


def test_a_member_reads_and_writes_documents(admin: Couch, member: Member, db: str) -> None:
    ours = member()
    let_in(admin, db, ours)
    assert ours.get(db).json()["doc_count"] == 1
    assert ours.put(db + "/b", json={"y": 2}).status_code == 201
    assert ours.post(db + "/_bulk_docs", json={"docs": [{"_id": "c"}]}).json()[0]["ok"]
    assert [row["id"] for row in ours.get(db + "/_all_docs").json()["rows"]] == ["a", "b", "c"]
    assert ours.get(db + "/_changes").status_code == 200
    assert ours.delete(db + "/b", params={"rev": ours.get(db + "/b").json()["_rev"]}).status_code == 200


def test_a_member_does_nothing_about_databases(admin: Couch, member: Member, db: str) -> None:
    ours = member()
    let_in(admin, db, ours)
    for answer in (
        ours.put("/grdf-test-member"),
        ours.delete(db),
        ours.get("/_all_dbs"),
        ours.post(db + "/_purge", json={"a": ["1-x"]}),
        ours.post(db + "/_compact", json={}),
    ):
        assert refusal(answer) == (401, "unauthorized")
    rules = admin.get(db + "/_security").json()
    assert refusal(ours.put(db + "/_security", json={})) == (500, "error"), "as each shard refuses"
    assert admin.get(db + "/_security").json() == rules
    assert refusal(ours.put(db + "/_design/x", json={"views": {}})) == (403, "forbidden")
    assert admin.get(db).status_code == 200


def test_a_missing_database_is_missing_for_a_member_too(member: Member) -> None:
    assert refusal(member().get("/grdf-test-never")) == (404, "not_found")


def test_who_one_is(admin: Couch, member: Member) -> None:
    ours = member(roles=["reader"])
    assert ours.get("/_session").json()["userCtx"] == {"name": ours.auth[0], "roles": ["reader"]}
    assert admin.get("/_session").json()["userCtx"]["roles"] == ["_admin"]
    with Couch(admin.root, (ours.auth[0], "wrong")) as wrong:
        assert refusal(wrong.get("/_session")) == (401, "unauthorized")


def test_a_session_is_its_users_own(admin: Couch, member: Member, db: str) -> None:
    ours = member()
    name, password = ours.auth
    ours.auth = None
    assert ours.post("/_session", json={"name": name, "password": password}).json()["name"] == name
    assert refusal(ours.get(db)) == (403, "forbidden")
    let_in(admin, db, member(), "members")
    assert refusal(ours.get(db)) == (403, "forbidden")


def test_passwords_are_not_kept(admin: Couch, member: Member) -> None:
    ours = member("hush-hush")
    kept = admin.get("/_users/" + quote(f"org.couchdb.user:{ours.auth[0]}", safe=""))
    assert "hush-hush" not in kept.text
    assert kept.json()["name"] == ours.auth[0]


def test_a_new_password_counts_at_once(admin: Couch, member: Member, db: str) -> None:
    ours = member()
    let_in(admin, db, ours)
    path = "/_users/" + quote(f"org.couchdb.user:{ours.auth[0]}", safe="")
    assert admin.put(path, json=admin.get(path).json() | {"password": "other"}).status_code == 201
    assert ours.get(db).status_code == 401
    ours.auth = (ours.auth[0], "other")
    assert ours.get(db).status_code == 200


# -- the embedded server's own -----------------------------------------------------------------------------------------


def test_users_are_the_administrators_affair(tmp_path: Path) -> None:
    document = {"name": "x", "password": "y", "roles": [], "type": "user"}
    path = "/_users/org.couchdb.user%3Ax"
    with EmbeddedCouch(tmp_path, memory=True) as server, Couch(server.url, (server.user, server.password)) as root:
        root.put("/_users")
        for wrong in ({"type": "admin"}, {"roles": "all"}, {"name": "other"}):
            assert refusal(root.put(path, json=document | wrong)) == (403, "forbidden")
        assert refusal(root.post("/_users/_bulk_docs", json={"docs": [document]})) == (400, "bad_request")
        assert root.put(path, json=document).status_code == 201
        with Couch(server.url, ("x", "y")) as ours:
            for answer in (ours.get(path), ours.put(path, json=document), ours.get("/_users/_all_docs")):
                assert refusal(answer) == (403, "forbidden")


def test_too_many_wrong_passwords_lock_a_login(tmp_path: Path) -> None:
    with EmbeddedCouch(tmp_path, memory=True, lockout=5) as server:
        with Couch(server.url, (server.user, "wrong")) as wrong:
            assert [wrong.get("/_all_dbs").status_code for _ in range(6)] == [401] * 5 + [403]
            assert wrong.get("/_session").json() == {"error": "forbidden", "reason": LOCKED}
        with Couch(server.url, (server.user, server.password)) as right:
            assert right.get("/_all_dbs").json() == {"error": "forbidden", "reason": LOCKED}
            assert right.get("/_up").status_code == 200
        with Couch(server.url, ("nobody-here", "wrong")) as nobody:
            assert {nobody.get("/_all_dbs").status_code for _ in range(9)} == {401}, "no such user: nothing to lock"


def test_a_lock_ends_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRDF_COUCH_LOCKOUT_SECONDS", "0.5")
    with EmbeddedCouch(tmp_path, memory=True, lockout=1) as server:
        with Couch(server.url, (server.user, "wrong")) as wrong:
            assert [wrong.get("/").status_code for _ in range(2)] == [401, 403]
        with Couch(server.url, (server.user, server.password)) as right:
            limit = time.monotonic() + 20
            while right.get("/").status_code == 403 and time.monotonic() < limit:
                time.sleep(0.05)
            assert right.get("/").status_code == 200
