"""The account list: one short request, with the last good copy as a fallback."""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from grdf.airflow.account_list import AccountList, accounts_to_build, known_accounts, what_is_wrong
from grdf.hooks.couchdb import CouchDBHook
from include.gas.documents.doctypes import ACCOUNT
from include.gas.errors import ServiceUnavailable
from include.sandbox.local_world import LocalWorld
from tests.plugins.airflow.list_scene import PARSING, Variables, account, down, known_accounts_of
from tests.plugins.conftest import Heard, Reply, Server
from tests.plugins.drip import Drip

Serve = Callable[[Callable[[Heard], Reply]], Server]

pytestmark = pytest.mark.usefixtures("home", "variables")


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


def test_with_couchdb_down_every_dag_stays(
    book: CouchDBHook, connection: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    book.write(ACCOUNT, [account("a"), account("b"), account("not good")])
    good = known_accounts()
    down(connection)
    assert known_accounts() == good
    assert "2 accounts stay as they were" in caplog.text
    assert "could not be reached" in caplog.text


def test_with_couchdb_down_and_nothing_known_it_says_so_instead_of_taking_all_dags_away(
    connection: Callable[..., str], home: Path
) -> None:
    down(connection)
    for use in (known_accounts, accounts_to_build):
        with pytest.raises(
            ServiceUnavailable, match=r"could not be read, and there is no earlier copy of it: CouchDB at .*come back"
        ):
            use()
    assert not (home / "grdf" / "accounts.json").exists(), "an empty list is no good copy"


# -- a list that shrinks -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("on_disk", [True, False])
def test_accounts_that_go_all_at_once_keep_their_dags_for_a_day_and_a_person_is_told(
    book: CouchDBHook, home: Path, variables: Variables, monkeypatch: pytest.MonkeyPatch, on_disk: bool
) -> None:
    names = tuple(f"a{n:02}" for n in range(40))
    known_accounts_of(book, *names)
    documents = book.fetch(ACCOUNT, names)

    def remove(*which: str) -> None:
        book.write(ACCOUNT, [{"_id": name, "_rev": documents[name]["_rev"], "_deleted": True} for name in which])
        if not on_disk:
            (home / "grdf" / "accounts.json").unlink()

    remove(*names[:8])  # a fifth, as deletions may
    assert known_accounts() == AccountList(names[8:])
    remove(*names[8:30])
    found = known_accounts()
    assert (found.ids, found.missing) == (names[8:], 22)
    assert "22 account(s) vanished from CouchDB all at once" in what_is_wrong(found)
    remove()
    known_accounts_of(book, "new", *names[8:28])  # while restoring goes on, the few missing accounts also stay
    found = known_accounts()
    assert (found.ids, found.missing) == ((*names[8:], "new"), 2)
    later = time.time() + 86_401
    monkeypatch.setattr("grdf.airflow.account_list.time.time", lambda: later)
    assert known_accounts() == AccountList((*names[8:28], *names[30:], "new"))


def test_an_empty_database_is_believed_after_a_day(book: CouchDBHook, monkeypatch: pytest.MonkeyPatch) -> None:
    names = tuple(f"a{n:02}" for n in range(12))
    known_accounts_of(book, *names)
    documents = book.fetch(ACCOUNT, names).values()
    book.write(ACCOUNT, [{"_id": each["_id"], "_rev": each["_rev"], "_deleted": True} for each in documents])
    assert known_accounts().ids == names
    later = time.time() + 86_401
    monkeypatch.setattr("grdf.airflow.account_list.time.time", lambda: later)
    assert known_accounts() == AccountList()


def test_of_many_accounts_without_a_dag_some_are_named_and_nobody_s_data_is(book: CouchDBHook) -> None:
    names = ["a@example.org", "09876543210987 street", "b\nERROR forged", "c" * 5000, *(f"d.{n}" for n in range(1000))]
    wrong = what_is_wrong(known_accounts_of(book, "good", *names))
    assert "1004 account(s) in CouchDB cannot have a DAG; all others run as usual." in wrong
    assert "These are 20 of them" in wrong
    assert len(wrong) < 5000
    for word in ("example.org", "09876543210987", "\n", "c" * 61, "d.500"):
        assert word not in wrong
    assert "[M-??? street" in wrong.replace("'", "")


@pytest.mark.parametrize("before", range(30, 60))
def test_a_name_that_is_cut_shows_no_part_of_what_is_hidden(book: CouchDBHook, before: int) -> None:
    names = [f"{'r' * before} {hidden}" for hidden in ("06543210987018", "GI654322", "jean.dupont@example.org")]
    wrong = what_is_wrong(known_accounts_of(book, "good", *names))
    assert "3 account(s) in CouchDB cannot have a DAG" in wrong
    for part in ("065", "GI6", "dupont@"):
        assert part not in wrong


# -- a CouchDB that drips ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X-Slow: 1\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n", b" "),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["headers", "body", "status"],
)
@pytest.mark.parametrize("known", [True, False])
def test_a_couchdb_that_drips_is_not_waited_for_long(
    book: CouchDBHook, connection: Callable[..., str], monkeypatch: pytest.MonkeyPatch, first: bytes, then: bytes,
    known: bool,
) -> None:  # fmt: skip
    if known:
        known_accounts_of(book, "a")
    monkeypatch.setattr("grdf.airflow.account_list.WITHIN", 1.0)
    with Drip(first, then, every=0.1) as server:
        connection("couchdb", host=server.url, login="a", password="b")
        began = time.monotonic()
        if known:
            assert known_accounts().ids == ("a",)
        else:
            with pytest.raises(ServiceUnavailable, match="did not return the account list within 1 s"):
                known_accounts()
        assert time.monotonic() - began < 5
        assert server.requests == 1


def test_pages_that_each_come_slowly_are_not_waited_for_longer(
    serve: Serve, connection: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grdf.airflow.account_list.WITHIN", 1.0)
    monkeypatch.setattr("grdf.hooks.couchdb.PAGE", 1)
    rows = [{"id": f"a{n}", "doc": account(f"a{n}")} for n in range(2)]
    slow = serve(lambda _: Reply({"rows": rows}, delay=0.4))
    connection("couchdb", host=slow.url, login="a", password="b")
    began = time.monotonic()
    with pytest.raises(ServiceUnavailable, match="within 1 s"):
        known_accounts()
    assert time.monotonic() - began < 5


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
    monkeypatch.setattr("grdf.airflow.account_list.LOOK_UP", (0.2, 0.2))
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
    for age in (61, -3600):  # too old, or made before the clock was set back
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
    kept = json.loads(copy.read_text())
    assert time.time() - kept.pop("shared_at") < 60, "when the shared list was the same"
    assert kept == {"ids": ["a"], "broken": {}}
    assert list(copy.parent.iterdir()) == [copy]


def test_a_home_that_cannot_be_written_is_no_reason_to_fail(
    book: CouchDBHook, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    book.write(ACCOUNT, [account("a")])
    (home / "grdf").touch()  # a file where the folder should be
    assert known_accounts().ids == ("a",)
    assert "could not be stored" in caplog.text


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
