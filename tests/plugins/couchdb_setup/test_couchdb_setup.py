"""``./grdf couchdb setup`` and the two roles, on the embedded server.

On a real CouchDB, too, when GRDF_TEST_COUCHDB_URL names one.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from grdf.hooks.couchdb import CouchDBHook
from grdf.stores.accounts.account_index import NAME
from grdf.stores.removal import Remover
from include.gas.documents.doctypes import ACCOUNT, DAY, DOCTYPES
from include.gas.documents.gas_days import database_name
from include.gas.errors import BadSettings, ServiceUnavailable
from tests.plugins.conftest import Heard, Reply
from tests.plugins.conftest import Server as HttpServer
from tests.plugins.couchdb_setup.server import Put, Run, Server


def test_it_makes_all_there_is_to_make(server: Server, run: Run) -> None:
    server.connect()
    code, said, wrong = run()
    assert (code, wrong) == (0, "")
    assert server.databases() == {database_name(doctype, server.prefix) for doctype in DOCTYPES}
    assert said.count(": created") == len(DOCTYPES) + 1 + said.count("database _users: created")
    assert f"user {server.member}: created" in said
    assert "member-password" not in said
    for doctype in DOCTYPES:
        assert server.security(doctype)["members"] == {"names": [server.member], "roles": ["_admin"]}
        assert server.security(doctype)["admins"] == {"names": [], "roles": ["_admin"]}
    assert server.user(server.member)["roles"] == []


def test_a_second_time_changes_nothing_and_says_so(server: Server, run: Run) -> None:
    server.connect()
    run()
    before = [server.http.get(server.path(doctype), timeout=30).json()["doc_count"] for doctype in DOCTYPES]
    user = server.user(server.member)
    code, said, wrong = run()
    assert (code, wrong) == (0, "")
    assert "made" not in said
    assert said.count("exists") == len(DOCTYPES) + 1
    assert "open to" not in said
    assert server.user(server.member) == user
    assert [server.http.get(server.path(each), timeout=30).json()["doc_count"] for each in DOCTYPES] == before


def test_accounts_that_others_have_made_get_revisions_compared(server: Server, run: Run) -> None:
    """Without it, a task that read an account before its deletion could bring it back (CouchDB 3.5.2)."""
    server.connect()
    server.http.put(server.path(ACCOUNT), timeout=30)
    server.http.put(f"{server.path(ACCOUNT)}/home", json={}, timeout=30)
    assert f"{database_name(ACCOUNT, server.prefix)}: exists, now open to {server.member}, now compares" in run()[1]
    hook = CouchDBHook()
    document = hook.get(ACCOUNT, "home")
    assert document is not None
    Remover(CouchDBHook("couchdb_admin"), wholly=True).remove(ACCOUNT, "home")
    assert hook.put(ACCOUNT, document | {"state": "back"}) is None
    assert hook.write(ACCOUNT, [document | {"state": "back"}]).conflicts == {"home"}
    assert hook.get(ACCOUNT, "home") is None
    assert hook.put(ACCOUNT, {"_id": "home"}), "a new one may have the id"
    assert "compares" not in run()[1]


def test_the_member_does_all_ordinary_work(server: Server, run: Run) -> None:
    server.connect()
    run()
    hook = CouchDBHook()
    good, message = hook.test_connection()
    assert good, message
    assert not hook.is_administrator()
    for doctype in DOCTYPES:
        revision = hook.put(doctype, {"_id": "home:1", "n": 1})
        assert hook.write(doctype, [{"_id": "home:2"}]).written == {"home:2"}
        assert hook.put(doctype, {"_id": "home:1", "_rev": revision, "_deleted": True})
        assert [document["_id"] for document in hook.scan(doctype)] == ["home:2"]


def test_accounts_are_found_by_an_index(server: Server, run: Run) -> None:
    server.connect()
    _, said, _ = run()
    assert "index of the accounts by their meters: new" in said
    hook = CouchDBHook()
    account = {"_id": "home", "account_type": "grdfgrandlyon", "oauth_callback_results": {"pce_id": "09999999900017"}}
    hook.put(ACCOUNT, account)
    assert [document["_id"] for document in hook.view(ACCOUNT, NAME, "meters", "09999999900017") or []] == ["home"]
    assert [document["_id"] for document in hook.scan(ACCOUNT)] == ["home"], "the index is no account"
    url = server.path(ACCOUNT) + f"/_design/{NAME}"
    stored = server.http.get(url, timeout=30).json()
    server.http.put(url, json=stored | {"views": {"former": {"map": "function (doc) {}"}}}, timeout=30)
    assert "index of the accounts by their meters: renewed" in run()[1]
    assert "index of the accounts by their meters: up to date" in run()[1]
    assert hook.view(ACCOUNT, NAME, "meters", "09999999900017")


def test_indexes_of_others_stay(server: Server, run: Run) -> None:
    server.connect()
    run()
    views = {"meters": {"map": "function (doc) { emit(doc._id, 1); }"}}
    other = {"language": "javascript", "views": {"meters": {"map": "function (doc) { emit(doc.pce, null); }"}}}
    former = {"grdf-accounts-9a64e5fdc69c1001": other}
    plain = {"language": "javascript", "views": views}
    foreign = {"grdf-bi": plain, "grdf-0123456789abcdef": plain, "grdf-3123456789abcdef": {"language": "javascript"}}

    def put(designs: dict[str, dict[str, Any]]) -> None:
        for name, design in designs.items():
            assert server.http.put(f"{server.path(ACCOUNT)}/_design/{name}", json=design, timeout=30).ok

    def there(*names: str) -> set[str]:
        return {name for name in names if server.http.get(f"{server.path(ACCOUNT)}/_design/{name}", timeout=30).ok}

    put({**former, **foreign})
    said = run()[1]
    assert "meters: renewed, without the former _design/grdf-accounts-9a64e5fdc69c1001" in said
    assert there(*former, *foreign) == set(foreign)


def test_nobody_else_reads_anything(server: Server, run: Run) -> None:
    server.connect()
    run()
    server.connect("grdf-test-stranger", "other", admin=False)
    CouchDBHook("couchdb_admin").ask_server(
        "PUT",
        "/_users/org.couchdb.user%3Agrdf-test-stranger",
        body={"name": "grdf-test-stranger", "password": "other", "roles": [], "type": "user"},
    )
    stranger = CouchDBHook()
    for doctype in DOCTYPES:
        for call in (
            lambda doctype=doctype: stranger.get(doctype, "home"),
            lambda doctype=doctype: stranger.range(doctype, "a", "b"),
            lambda doctype=doctype: stranger.put(doctype, {"_id": "home"}),
        ):
            with pytest.raises(BadSettings, match="403"):
                call()
        assert requests.get(server.path(doctype), timeout=30).status_code == 401


def test_a_missing_database_says_to_run_the_setup(server: Server, run: Run) -> None:
    server.connect()
    run()
    server.http.delete(server.path(DAY), timeout=30)
    hook = CouchDBHook()
    assert hook.range(DAY, "a", "b") == []
    calls: list[Callable[[], object]] = [
        lambda: hook.put(DAY, {"_id": "home:1"}),
        lambda: hook.write(DAY, [{"_id": "home:1"}]),
    ]
    for call in calls:
        with pytest.raises(BadSettings, match=r"no database .*grdf-day, .*\./grdf couchdb setup"):
            call()
    assert database_name(DAY, server.prefix) not in server.databases(), "nothing made it behind our back"
    code, said, _ = run()
    assert code == 0
    assert "grdf-day: created, now open to" in said
    assert said.count("exists") == len(DOCTYPES)
    assert hook.put(DAY, {"_id": "home:1"})


def test_one_administrator_for_everything_needs_no_step(server: Server, run: Run) -> None:
    server.only_one()
    hook = CouchDBHook()
    assert hook.put(ACCOUNT, {"_id": "home"}), "the first write makes the database"
    code, said, wrong = run()
    assert (code, wrong) == (0, "")
    assert "no connection couchdb_admin" in said
    assert "io-cozy-accounts: exists" in said
    assert server.databases() == {database_name(doctype, server.prefix) for doctype in DOCTYPES}
    assert requests.get(server.path(ACCOUNT), timeout=30).status_code == 401


def test_two_roles_over_a_store_that_one_administrator_has_made(server: Server, run: Run) -> None:
    server.only_one()
    CouchDBHook().put(ACCOUNT, {"_id": "home"})
    run()
    server.connect()
    code, said, _ = run()
    assert code == 0
    assert "io-cozy-accounts: exists, now open to " + server.member in said
    assert CouchDBHook().get(ACCOUNT, "home")


def test_a_new_password_in_the_connection(server: Server, run: Run) -> None:
    server.connect()
    run()
    server.connect(password="a-new-one")
    code, said, _ = run()
    assert code == 0
    assert f"user {server.member}: exists, now with the password" in said
    assert CouchDBHook().logs_in()


def test_a_new_password_that_couchdb_does_not_know_at_once(
    server: Server, run: Run, serve: Callable[[Callable[[Heard], Reply]], HttpServer]
) -> None:
    """It forgets the login that it remembers only after it has answered that there is a new one."""
    server.connect()
    run()
    stale = 0

    def pass_on(heard: Heard) -> Reply:
        nonlocal stale
        login = heard.headers.get("Authorization", "")
        if stale and server.member in b64decode(login.partition(" ")[2]).decode():
            stale -= 1
            return Reply({"error": "unauthorized", "reason": "Name or password is incorrect."}, 401)
        headers = {name: heard.headers[name] for name in ("Authorization", "Content-Type") if name in heard.headers}
        answer = requests.request(heard.method, server.url + heard.path, data=heard.body, headers=headers, timeout=30)
        if heard.method == "PUT" and heard.path.startswith("/_users/"):
            stale = 2
        return Reply(answer.content, answer.status_code, {"Content-Type": "application/json"})

    server.connect(password="a-new-one", host=serve(pass_on).url)
    code, said, wrong = run()
    assert (code, wrong) == (0, "")
    assert stale == 0
    assert f"user {server.member}: exists, now with the password" in said


def test_connections_that_make_no_sense(server: Server, run: Run, connection: Put) -> None:
    user, secret = server.http.auth
    server.connect(user, secret)
    code, _, wrong = run()
    assert code == 1
    assert "have the same login" in wrong
    server.connect()
    run()
    connection("couchdb_admin", host=server.url, login=server.member, password="member-password", extra=server.extra)
    connection("couchdb", host=server.url, login="other", password="other", extra=server.extra)
    code, _, wrong = run()
    assert code == 1
    assert "couchdb_admin is not a CouchDB server administrator" in wrong
    server.connect()
    connection("couchdb", host=server.url, login=server.member, password="member-password")
    code, _, wrong = run()
    assert code == 1
    assert "different databases" in wrong
    assert secret not in wrong


def test_a_server_that_does_not_answer(run: Run, connection: Put) -> None:
    connection("couchdb", host="http://127.0.0.1:9", login="a", password="b")
    code, said, wrong = run()
    assert (code, said) == (4, "")
    assert "could not be reached" in wrong


def test_no_connection_at_all(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_COUCHDB", raising=False)
    code, _, wrong = run()
    assert code == 1
    assert "couchdb" in wrong


@pytest.mark.parametrize("server", ["embedded"], indirect=True)  # never on a shared server
def test_a_locked_login_is_waited_for(server: Server, run: Run, connection: Put) -> None:
    server.connect()
    run()
    connection("couchdb_old", host=server.url, login=server.member, password="old", extra=server.extra)
    for _ in range(5):
        assert not CouchDBHook("couchdb_old").logs_in()
    with pytest.raises(ServiceUnavailable):
        CouchDBHook().get(ACCOUNT, "home")
    code, _, wrong = run()
    assert code == 4
    assert "temporarily locked" in wrong


def test_the_list_of_databases_is_whole() -> None:
    """Every doctype named in the code is in the list that the set-up uses."""
    named = set()
    for folder in ("plugins", "include/gas", "dags"):
        for file in (Path(__file__).parents[3] / folder).rglob("*.py"):
            named |= set(re.findall(r'"((?:com\.grandlyon\.grdf|io\.cozy)\.[a-z-]+)"', file.read_text()))
    assert named == set(DOCTYPES)
