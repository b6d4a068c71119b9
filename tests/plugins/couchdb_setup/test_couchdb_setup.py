"""``./grdf couchdb setup`` and the two roles, on the embedded server.

On a real CouchDB, too, when GRDF_TEST_COUCHDB_URL names one.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import requests

from grdf.hooks.couchdb import CouchDBHook
from grdf.stores.removal import Remover
from include.gas.documents.doctypes import ACCOUNT, DAY, DOCTYPES
from include.gas.documents.gas_days import database_name
from include.gas.errors import BadSettings
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
    Remover(CouchDBHook("couchdb_admin")).remove(ACCOUNT, "home")
    assert hook.put(ACCOUNT, document | {"state": "back"}) is None
    assert hook.write(ACCOUNT, [document | {"state": "back"}]).conflicts == {"home"}
    assert hook.get(ACCOUNT, "home") is None
    assert hook.put(ACCOUNT, {"_id": "home"}), "a new one may have the id"
    assert "compares" not in run()[1]


def test_the_member_does_all_ordinary_work(server: Server, run: Run) -> None:
    server.connect()
    run()
    hook = CouchDBHook()
    assert hook.logs_in()
    assert not hook.is_administrator()
    for doctype in DOCTYPES:
        revision = hook.put(doctype, {"_id": "home:1", "n": 1})
        assert hook.write(doctype, [{"_id": "home:2"}]).written == {"home:2"}
        assert hook.put(doctype, {"_id": "home:1", "_rev": revision, "_deleted": True})
        assert [document["_id"] for document in hook.scan(doctype)] == ["home:2"]


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


def test_a_new_password_in_the_connection(server: Server, run: Run) -> None:
    server.connect()
    run()
    server.connect(password="a-new-one")
    code, said, _ = run()
    assert code == 0
    assert f"user {server.member}: exists, now with the password" in said
    assert CouchDBHook().logs_in()


def test_connections_that_make_no_sense(server: Server, run: Run, connection: Put) -> None:
    user, secret = server.http.auth
    server.connect(user, secret)
    code, _, wrong = run()
    assert code == 1
    assert "couchdb is a server administrator's, too. Nothing was done" in wrong
    server.connect()
    run()
    connection("couchdb_admin", host=server.url, login=server.member, password="member-password", extra=server.extra)
    connection("couchdb", host=server.url, login="other", password="other", extra=server.extra)
    code, _, wrong = run()
    assert code == 1
    assert "couchdb_admin is not a CouchDB server administrator" in wrong
    assert secret not in wrong


def test_a_server_that_does_not_answer(run: Run, connection: Put) -> None:
    connection("couchdb", host="http://127.0.0.1:9", login="a", password="b")
    code, said, wrong = run()
    assert (code, said) == (4, "")
    assert "could not be reached" in wrong
