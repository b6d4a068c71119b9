"""``./grdf couchdb setup``: the two roles, whom it lets in, and its findings on CouchDB's own log."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
import requests

from grdf import couchdb_setup
from grdf.doctor.couchdb_checks import check_databases, check_log
from grdf.hooks.couchdb import CouchDBHook
from grdf.stores.removal import Remover
from include.gas.documents.day_documents import database_name
from include.gas.documents.doctypes import ACCOUNT, DAY, DOCTYPES, FOR_READERS
from include.gas.errors import BadSettings
from include.sandbox.local_world import LocalWorld
from tests.plugins.conftest import Heard, Put, Reply
from tests.plugins.conftest import Server as HttpServer

Run = Callable[..., tuple[int, str, str]]


class Server:
    def __init__(self, url: str, user: str, password: str, connection: Put) -> None:
        self.url, self.connection = url, connection
        self.http = requests.Session()
        self.http.auth, self.http.trust_env = (user, password), False
        self.prefix = f"setup{secrets.token_hex(4)}/"
        self.member = f"grdf-test-{secrets.token_hex(4)}"
        self.extra = {"database_prefix": self.prefix}

    def connect(self, member: str = "", password: str = "member-password", **more: Any) -> None:
        fields = {"host": self.url, "extra": self.extra} | more
        user, secret = self.http.auth
        self.connection("couchdb", **fields, login=member or self.member, password=password)
        self.connection("couchdb_admin", **fields, login=user, password=secret)

    def get(self, path: str) -> Any:
        return self.http.get(path, timeout=30).json()

    def path(self, doctype: str) -> str:
        return f"{self.url}/{quote(database_name(doctype, self.prefix), safe='')}"

    def path_of(self, user: str) -> str:
        return f"{self.url}/_users/" + quote(f"org.couchdb.user:{user}", safe="")

    def databases(self) -> set[str]:
        return {name for name in self.get(f"{self.url}/_all_dbs") if name.startswith(self.prefix)}


@pytest.fixture
def server(world: LocalWorld, connection: Put) -> Iterator[Server]:
    made = Server(world.couch.url, world.couch.user, world.couch.password, connection)
    yield made
    for name in made.databases():
        made.http.delete(f"{made.url}/{quote(name, safe='')}", timeout=30)
    if rev := made.get(made.path_of(made.member)).get("_rev"):
        made.http.delete(made.path_of(made.member), params={"rev": rev}, timeout=30)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*readers: str) -> tuple[int, str, str]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AIRFLOW__GRDF__COUCHDB_READERS", ", ".join(readers))
            code = couchdb_setup.main(["setup"])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def test_it_makes_all_there_is_to_make_and_a_second_time_changes_nothing(server: Server, run: Run) -> None:
    server.connect()
    code, said, wrong = run()
    assert (code, wrong) == (0, "")
    assert server.databases() == {database_name(doctype, server.prefix) for doctype in DOCTYPES}
    assert said.count(": created") == len(DOCTYPES) + 1 + said.count("database _users: created")
    assert "member-password" not in said
    only_ours = {"names": [server.member], "roles": ["_admin"]}
    for doctype in DOCTYPES:
        assert server.get(server.path(doctype) + "/_security") == {
            "members": only_ours, "admins": {"names": [], "roles": ["_admin"]},
        }  # fmt: skip
    before = [server.get(server.path(doctype))["doc_count"] for doctype in DOCTYPES]
    user = server.get(server.path_of(server.member))
    assert user["roles"] == []
    code, said, wrong = run()
    assert (code, wrong, said.count("exists"), "open to" in said) == (0, "", len(DOCTYPES) + 1, False)
    assert server.get(server.path_of(server.member)) == user
    assert [server.get(server.path(doctype))["doc_count"] for doctype in DOCTYPES] == before


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


def test_the_member_does_all_ordinary_work_and_a_missing_database_says_to_run_the_setup(
    server: Server, run: Run
) -> None:
    server.connect()
    run()
    hook = CouchDBHook()
    assert (hook.logs_in(), hook.is_administrator()) == (True, False)
    for doctype in DOCTYPES:
        revision = hook.put(doctype, {"_id": "home:1", "n": 1})
        assert hook.write(doctype, [{"_id": "home:2"}]).written == {"home:2"}
        assert hook.put(doctype, {"_id": "home:1", "_rev": revision, "_deleted": True})
        assert [document["_id"] for document in hook.scan(doctype)] == ["home:2"]
    server.http.delete(server.path(DAY), timeout=30)
    assert hook.range(DAY, "a", "b") == []
    for call in (lambda: hook.put(DAY, {"_id": "home:1"}), lambda: hook.write(DAY, [{"_id": "home:1"}])):
        with pytest.raises(BadSettings, match=r"no database .*grdf-day, .*\./grdf couchdb setup"):
            call()
    assert database_name(DAY, server.prefix) not in server.databases(), "nothing made it behind our back"
    code, said, _ = run()
    assert (code, said.count("exists"), "grdf-day: created, now open to" in said) == (0, len(DOCTYPES), True)
    assert hook.put(DAY, {"_id": "home:1"})


def test_one_administrator_for_everything_needs_no_step(server: Server, run: Run) -> None:
    user, secret = server.http.auth
    server.connection("couchdb", host=server.url, extra=server.extra, login=user, password=secret)
    assert CouchDBHook().put(ACCOUNT, {"_id": "home"}), "the first write makes the database"
    code, said, wrong = run()
    assert (code, wrong) == (0, "")
    assert "no connection couchdb_admin" in said
    assert server.databases() == {database_name(doctype, server.prefix) for doctype in DOCTYPES}
    assert requests.get(server.path(ACCOUNT), timeout=30).status_code == 401


def test_a_new_password_and_connections_that_make_no_sense(server: Server, run: Run, connection: Put) -> None:
    user, secret = server.http.auth
    server.connect(user, secret)
    code, _, wrong = run()
    assert (code, "couchdb is a server administrator's, too" in wrong) == (1, True)
    server.connect()
    run()
    server.connect(password="a-new-one")
    code, said, _ = run()
    assert (code, f"user {server.member}: exists, now with the password" in said) == (0, True)
    assert CouchDBHook().logs_in()
    connection("couchdb_admin", host=server.url, login=server.member, password="a-new-one", extra=server.extra)
    connection("couchdb", host=server.url, login="other", password="other", extra=server.extra)
    code, _, wrong = run()
    assert (code, "couchdb_admin is not a CouchDB server administrator" in wrong) == (1, True)
    assert secret not in wrong


def test_a_server_that_does_not_answer(run: Run, connection: Put) -> None:
    connection("couchdb", host="http://127.0.0.1:9", login="a", password="b")
    code, said, wrong = run()
    assert (code, said, "could not be reached" in wrong) == (4, "", True)


def test_who_else_could_read_is_shut_out_and_a_reader_comes_in_where_the_gas_data_are(server: Server, run: Run) -> None:
    server.connect()
    run()
    reader = server.member + "-reader"
    for doctype in DOCTYPES:
        rules = {"names": [reader, server.member], "roles": ["_admin", "city"]}
        server.http.put(server.path(doctype) + "/_security", json={"admins": {"roles": ["_admin"]}, "members": rules})
    (found,) = [each for each in check_databases(CouchDBHook()) if each.state == "bad"]
    assert f"{reader}, the role city may read tokens, names and addresses" in found.says
    assert "couchdb_readers" in found.do
    assert f"user {reader}: CouchDB does not know it" in run(reader)[1], "it is let in, not created"
    assert [each.state for each in check_databases(CouchDBHook())] == ["ok"]
    assert "open to" not in run(reader)[1], "nothing is left to do"
    document = {"name": reader, "password": "x", "roles": [], "type": "user"}
    server.http.put(server.path_of(reader), json=document, timeout=30)
    for doctype in DOCTYPES:
        found = requests.get(server.path(doctype) + "/_all_docs", auth=(reader, "x"), timeout=30).status_code
        written = requests.put(server.path(doctype) + "/forged", json={}, auth=(reader, "x"), timeout=30).status_code
        assert (found, written) == ((200, 201) if doctype in FOR_READERS else (403, 403)), doctype
    server.http.delete(server.path_of(reader), params={"rev": server.get(server.path_of(reader))["_rev"]}, timeout=30)
    run()
    assert server.get(server.path(DAY) + "/_security")["members"] == {"names": [server.member], "roles": ["_admin"]}


@pytest.mark.parametrize(
    ("status", "level", "named"),
    [
        (200, '"info"\n', True), (200, '"debug"', True), (200, '"warning"\n', False),
        (404, '{"error":"not_found","reason":"unknown_config_value"}', True),
        (401, '{"error":"unauthorized","reason":"You are not a server admin."}', False),
    ],
)  # fmt: skip
def test_a_log_of_all_requests_names_meters_and_is_named(
    server: Server, run: Run, serve: Callable[..., HttpServer], status: int, level: str, named: bool
) -> None:
    """The levels and CouchDB's answers are those of its source (``chttpd:maybe_log``, ``chttpd_node``)."""

    def pass_on(heard: Heard) -> Reply:
        if heard.path == "/_node/_local/_config/log/level":
            return Reply(level, status, {"Content-Type": "application/json"})
        headers = {name: heard.headers[name] for name in ("Authorization", "Content-Type") if name in heard.headers}
        answer = requests.request(heard.method, server.url + heard.path, data=heard.body, headers=headers, timeout=30)
        return Reply(answer.content, answer.status_code, {"Content-Type": "application/json"})

    server.connect(host=serve(pass_on).url)
    code, said, wrong = run()
    assert (code, wrong, "log: CouchDB writes down each request" in said) == (0, "", named)
    assert [each.state for each in check_log(CouchDBHook())] == ["look"] * named
