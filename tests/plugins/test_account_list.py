"""The account list: one short look-up, with the last good copy behind it."""

from __future__ import annotations

import json
import os
import secrets
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grdf.account_list import AccountList, accounts_to_build, known_accounts
from grdf.hooks.couchdb import CouchDBHook
from include.gas.documents import ACCOUNT
from include.sandbox.local_world import LocalWorld
from tests.plugins.conftest import Heard, Reply, Server

Serve = Callable[[Callable[[Heard], Reply]], Server]
PARSING = "_AIRFLOW_PARSING_CONTEXT_DAG_ID"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An Airflow home of this test's own, with no copy of the list."""
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    monkeypatch.setenv("AIRFLOW__GRDF__ACCOUNTS_MAX_AGE", "0")
    monkeypatch.delenv(PARSING, raising=False)
    return tmp_path


@pytest.fixture
def book(world: LocalWorld, connection: Callable[..., str]) -> CouchDBHook:
    """Databases of this test's own, at the connection that the list reads."""
    fields = {"host": world.couch.url, "login": world.couch.user, "password": world.couch.password}
    connection("couchdb", **fields, extra={"database_prefix": f"list{secrets.token_hex(4)}/"})
    return CouchDBHook()


def account(name: str) -> dict[str, Any]:
    return {"_id": name, "account_type": "grdfgrandlyon"}


def test_the_list_is_sorted_and_has_our_accounts_alone(book: CouchDBHook) -> None:
    book.write(ACCOUNT, [account("b"), account("a"), account("C"), {"_id": "x", "account_type": "bank"}, {"_id": "y"}])
    assert known_accounts() == AccountList(("C", "a", "b"), {})
    assert accounts_to_build() == ("C", "a", "b")


def test_one_broken_account_is_set_apart(book: CouchDBHook) -> None:
    book.write(ACCOUNT, [account("good"), account("not good"), account("é" * 200)])
    found = known_accounts()
    assert found.ids == ("good",)
    assert set(found.broken) == {"not good", "é" * 200}
    assert all("account id" in reason for reason in found.broken.values())
    again = known_accounts()
    assert again == found


def test_a_document_that_is_odd_in_other_ways_keeps_its_dag(book: CouchDBHook) -> None:
    book.write(ACCOUNT, [account("odd") | {"oauth": ["not", "an", "object"]}])
    assert known_accounts().ids == ("odd",), "its own DAG says what is wrong"


def down(connection: Callable[..., str]) -> None:
    connection("couchdb", host="http://127.0.0.1:9", login="a", password="b")


def test_with_couchdb_down_every_dag_stays(
    book: CouchDBHook, connection: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    book.write(ACCOUNT, [account("a"), account("b"), account("not good")])
    good = known_accounts()
    down(connection)
    assert known_accounts() == good
    assert "2 accounts stay as they were" in caplog.text
    assert "could not be reached" in caplog.text


def test_with_couchdb_down_from_the_start_there_is_no_dag_and_no_error(
    connection: Callable[..., str], caplog: pytest.LogCaptureFixture, home: Path
) -> None:
    down(connection)
    assert known_accounts() == AccountList()
    assert "could not be read" in caplog.text
    assert not (home / "grdf" / "accounts.json").exists(), "an empty list is no good copy"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda put: put("couchdb", host="http://127.0.0.1:9", login="a", password="b"),
        lambda put: put("couchdb"),
        lambda put: put("couchdb", host="ftp://h:port", login="a", password="b"),
    ],
)
def test_a_spoilt_connection_leaves_the_list(
    book: CouchDBHook, connection: Callable[..., str], spoil: Callable[[Callable[..., str]], str]
) -> None:
    book.write(ACCOUNT, [account("a")])
    known_accounts()
    spoil(connection)
    assert known_accounts().ids == ("a",)


def test_a_missing_connection_leaves_the_list(book: CouchDBHook, monkeypatch: pytest.MonkeyPatch) -> None:
    book.write(ACCOUNT, [account("a")])
    known_accounts()
    monkeypatch.delenv("AIRFLOW_CONN_COUCHDB")
    assert known_accounts().ids == ("a",)


def test_a_refused_login_leaves_the_list(book: CouchDBHook, world: LocalWorld, connection: Callable[..., str]) -> None:
    book.write(ACCOUNT, [account("a")])
    known_accounts()
    connection("couchdb", host=world.couch.url, login=world.couch.user, password="changed")
    assert known_accounts().ids == ("a",)


def test_a_database_that_is_gone_is_no_reason_for_dags_to_go_but_an_empty_one_is(book: CouchDBHook, home: Path) -> None:
    (home / "grdf").mkdir()
    (home / "grdf" / "accounts.json").write_text(json.dumps({"ids": ["a"], "broken": {}}))
    assert known_accounts().ids == ("a",)
    book.create_database(ACCOUNT)
    assert known_accounts() == AccountList()


def test_a_slow_couchdb_is_not_waited_for_long(
    book: CouchDBHook, serve: Serve, connection: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    book.write(ACCOUNT, [account("a")])
    known_accounts()
    monkeypatch.setattr("grdf.account_list.LOOK_UP", (0.2, 0.2))
    slow = serve(lambda _: Reply({}, delay=2))
    connection("couchdb", host=slow.url, login="a", password="b")
    started = time.monotonic()
    assert known_accounts().ids == ("a",)
    assert time.monotonic() - started < 1.5
    assert len(slow.heard) == 1, "no second try while Airflow waits for a DAG file"


def test_a_fresh_copy_is_used_without_asking(
    book: CouchDBHook, connection: Callable[..., str], monkeypatch: pytest.MonkeyPatch, home: Path, serve: Serve
) -> None:
    book.write(ACCOUNT, [account("a")])
    known_accounts()
    server = serve(lambda _: Reply({"rows": []}))
    connection("couchdb", host=server.url, login="a", password="b")
    monkeypatch.setenv("AIRFLOW__GRDF__ACCOUNTS_MAX_AGE", "60")
    assert known_accounts().ids == ("a",)
    assert server.heard == []
    copy = home / "grdf" / "accounts.json"
    for age in (61, -3600):  # too old; or made before somebody set the clock back
        os.utime(copy, (time.time() - age, time.time() - age))
        server.heard.clear()
        known_accounts()
        assert server.heard, f"age {age}"


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"ids": 5, "broken": {}}', '{"broken": {}}', '{"ids": [], "broken": 5}']
)
def test_a_spoilt_copy_is_made_anew(book: CouchDBHook, home: Path, text: str) -> None:
    book.write(ACCOUNT, [account("a")])
    copy = home / "grdf" / "accounts.json"
    copy.parent.mkdir()
    copy.write_text(text)
    assert known_accounts().ids == ("a",)
    assert json.loads(copy.read_text())["ids"] == ["a"]


def test_the_copy_is_private_and_holds_ids_alone(book: CouchDBHook, home: Path) -> None:
    book.write(ACCOUNT, [account("a") | {"oauth": "secret"}])
    known_accounts()
    copy = home / "grdf" / "accounts.json"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert json.loads(copy.read_text()) == {"ids": ["a"], "broken": {}}
    assert list(copy.parent.iterdir()) == [copy]


def test_a_home_that_cannot_be_written_is_no_reason_to_fail(
    book: CouchDBHook, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    book.write(ACCOUNT, [account("a")])
    (home / "grdf").touch()  # a file where the folder should be
    assert known_accounts().ids == ("a",)
    assert "could not be kept" in caplog.text


@pytest.mark.parametrize(
    ("dag", "ids"),
    [("grdf_account__home-1", ("home-1",)), ("grdf_history", ()), ("grdf_account__", ()), ("grdf_account__a b", ())],
)
def test_a_worker_asks_nobody(
    serve: Serve, connection: Callable[..., str], monkeypatch: pytest.MonkeyPatch, dag: str, ids: tuple[str, ...]
) -> None:
    server = serve(lambda _: Reply({"rows": []}))
    connection("couchdb", host=server.url, login="a", password="b")
    monkeypatch.setenv(PARSING, dag)
    assert accounts_to_build() == ids
    assert server.heard == []
