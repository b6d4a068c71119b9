"""The CouchDB hook when something is wrong. Each message names the place, the cause and the next step."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import RetryAction

from grdf.airflow.retries import GasRetryPolicy
from grdf.hooks.couchdb import CouchDBHook
from include.gas.documents.doctypes import ACCOUNT, DAY
from include.gas.errors import BadSettings, ServiceUnavailable
from include.sandbox.couch import EmbeddedCouch
from include.sandbox.local_world import LocalWorld
from tests.plugins.conftest import Heard, Reply, Server

Serve = Callable[[Callable[[Heard], Reply]], Server]
Put = Callable[..., str]


def hook_to(connection: Put, url: str, **more: Any) -> CouchDBHook:
    return CouchDBHook(connection("couchdb_odd", host=url, login="us", password="hush-hush"), **more)


def test_a_wrong_password(world: LocalWorld, connection: Put) -> None:
    hook = CouchDBHook(connection("couchdb_odd", host=world.couch.url, login=world.couch.user, password="hush-hush"))
    with pytest.raises(BadSettings) as caught:
        hook.get(ACCOUNT, "home")
    text = str(caught.value)
    for word in ("401", "couchdb_odd", "login and password", world.couch.url):
        assert word in text
    assert "hush-hush" not in text


def test_a_login_that_others_had_locked_is_tried_again(tmp_path: Path, connection: Put) -> None:
    with EmbeddedCouch(tmp_path, memory=True, lockout=5) as server:
        old = connection("couchdb_old", host=server.url, login=server.user, password="hush-hush")
        for _ in range(5):  # a program with yesterday's password, on the same machine
            with pytest.raises(BadSettings, match="401"):
                CouchDBHook(old).get(ACCOUNT, "home")
        conn_id = connection("couchdb_odd", host=server.url, login=server.user, password=server.password)
        hook = CouchDBHook(conn_id, patience=0)
        calls: list[Callable[[], object]] = [
            lambda: hook.get(ACCOUNT, "home"),
            lambda: hook.put(ACCOUNT, {"_id": "home"}),
            lambda: hook.write(DAY, [{"_id": "home:1"}]),
        ]
        for call in calls:
            with pytest.raises(ServiceUnavailable) as caught:
                call()
            text = str(caught.value)
            for word in ("403", "temporarily locked", "couchdb_odd", "old password", server.url):
                assert word in text
            assert "Check login and password" not in text
            assert caught.value.retry_after == 300
            assert GasRetryPolicy().evaluate(caught.value, 1, 3).action == RetryAction.RETRY


def test_any_other_403_needs_a_person(serve: Serve, connection: Put) -> None:
    server = serve(lambda _: Reply({"error": "forbidden", "reason": "You are not allowed to access this db."}, 403))
    with pytest.raises(BadSettings, match="not allowed to access"):
        hook_to(connection, server.url, patience=0).get(ACCOUNT, "home")


@pytest.mark.parametrize("body", ["[" * 200_000, '{"reason":' + "[" * 200_000 + "]" * 200_000 + "}"])
def test_an_error_answer_that_is_too_deep_to_read(serve: Serve, connection: Put, body: str) -> None:
    server = serve(lambda _: Reply(body.encode(), 500))
    with pytest.raises(ServiceUnavailable, match=r"answered 500 \("):
        hook_to(connection, server.url, patience=0).get(ACCOUNT, "home")


def test_what_is_missing_is_named(connection: Put) -> None:
    with pytest.raises(BadSettings, match=r"host.*login.*password.*AIRFLOW_CONN_COUCHDB_ODD"):
        CouchDBHook(connection("couchdb_odd")).get(ACCOUNT, "home")


@pytest.mark.parametrize("host", ["http://h:port", "http://", "ftp://h", "http://[::1"])
def test_an_odd_host_is_named(connection: Put, host: str) -> None:
    hook = hook_to(connection, host)
    with pytest.raises(BadSettings, match="host"):
        hook.get(ACCOUNT, "home")


def test_a_prefix_that_is_no_text(world: LocalWorld, connection: Put) -> None:
    conn_id = connection("couchdb_odd", host=world.couch.url, login="a", password="b", extra={"database_prefix": 5})
    with pytest.raises(BadSettings, match="database_prefix"):
        CouchDBHook(conn_id).get(ACCOUNT, "home")


@pytest.mark.parametrize(
    "form",
    [
        lambda url: {"host": url},
        lambda url: {"host": url + "/"},
        lambda url: {"host": url.removeprefix("http://")},
        lambda url: {"host": "127.0.0.1", "port": int(url.rpartition(":")[2])},
        lambda url: {"host": "http://127.0.0.1", "port": int(url.rpartition(":")[2])},
        lambda url: {"host": "127.0.0.1", "port": int(url.rpartition(":")[2]), "schema": "http", "conn_type": "http"},
    ],
)
def test_the_server_in_every_form(world: LocalWorld, connection: Put, form: Callable[[str], dict[str, Any]]) -> None:
    fields = form(world.couch.url) | {"login": world.couch.user, "password": world.couch.password}
    assert CouchDBHook(connection("couchdb_odd", **fields)).logs_in()


def test_the_server_in_uri_form(world: LocalWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    place = world.couch.url.removeprefix("http://")
    uri = f"couchdb://{world.couch.user}:{world.couch.password}@{place}/http?database_prefix=cozy%2F"
    monkeypatch.setenv("AIRFLOW_CONN_COUCHDB_ODD", uri)
    hook = CouchDBHook("couchdb_odd")
    assert hook.logs_in()
    assert hook.facts.prefix == "cozy/"


@pytest.mark.parametrize("password", ["é ü:/@%", "пароль €", ">>>???~~~"])
def test_a_password_of_any_letters(tmp_path: Path, connection: Put, password: str) -> None:
    with EmbeddedCouch(tmp_path, password=password, memory=True) as server:
        conn_id = connection("couchdb_odd", host=server.url, login=server.user, password=password)
        assert CouchDBHook(conn_id).logs_in()


def test_a_server_that_is_down(connection: Put) -> None:
    hook = hook_to(connection, "http://127.0.0.1:9", patience=0)
    with pytest.raises(ServiceUnavailable, match=r"http://127.0.0.1:9 could not be reached.*couchdb_odd"):
        hook.get(ACCOUNT, "home")


def test_a_name_that_cannot_be_resolved_or_a_server_that_does_not_answer(serve: Serve, connection: Put) -> None:
    slow = serve(lambda _: Reply({}, delay=1))
    with pytest.raises(ServiceUnavailable, match="could not be reached"):
        hook_to(connection, slow.url, timeout=(0.2, 0.2), patience=0).get(ACCOUNT, "home")


def test_a_busy_server_is_asked_again(serve: Serve, connection: Put) -> None:
    replies = [Reply({}, 503, {"Retry-After": "3600"}), Reply({}, 429), Reply({"_id": "home"})]
    server = serve(lambda _: replies.pop(0))
    assert hook_to(connection, server.url).get(ACCOUNT, "home") == {"_id": "home"}
    assert len(server.heard) == 3


def test_a_server_that_stays_busy(serve: Serve, connection: Put) -> None:
    server = serve(lambda _: Reply({"error": "busy", "reason": "compacting"}, 503))
    with pytest.raises(ServiceUnavailable, match=r"503.*compacting"):
        hook_to(connection, server.url, patience=1).get(ACCOUNT, "home")
    assert len(server.heard) == 2


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply("<html>a proxy</html>", 200), ServiceUnavailable),
        (Reply("[]", 200), ServiceUnavailable),
        (Reply("<html>no</html>", 500), ServiceUnavailable),
        (Reply({"reason": "no"}, 403), BadSettings),
        (Reply({"reason": "no"}, 405), BadSettings),
        (Reply("[]", 400), BadSettings),
    ],
)
def test_answers_of_something_that_is_no_couchdb(serve: Serve, connection: Put, reply: Reply, kind: type) -> None:
    server = serve(lambda _: reply)
    with pytest.raises(kind):
        hook_to(connection, server.url, patience=0).get(ACCOUNT, "home")


def test_a_range_answered_without_rows(serve: Serve, connection: Put) -> None:
    server = serve(lambda _: Reply({"hello": "world"}))
    hook = hook_to(connection, server.url)
    for call in (
        lambda: hook.range(DAY, "a", "b"),
        lambda: hook.fetch(DAY, ["a"]),
    ):
        with pytest.raises(ServiceUnavailable):
            call()


def test_a_database_name_that_couchdb_does_not_take(world: LocalWorld, connection: Put) -> None:
    fields = {"host": world.couch.url, "login": world.couch.user, "password": world.couch.password}
    hook = CouchDBHook(connection("couchdb_odd", **fields, extra={"database_prefix": "Not A Prefix "}))
    with pytest.raises(BadSettings, match="couchdb_odd"):
        hook.put(ACCOUNT, {"_id": "home"})


# -- bulk answers ------------------------------------------------------------------------------------------------------


def bulk(serve: Serve, connection: Put, rows: object) -> CouchDBHook:
    server = serve(lambda _: Reply(json.dumps(rows), 201))
    return hook_to(connection, server.url)


def test_rows_are_matched_by_id_and_not_by_place(serve: Serve, connection: Put) -> None:
    rows = [{"id": "c", "rev": "1-c"}, {"id": "a", "error": "conflict", "reason": "x"}, {"id": "b", "rev": "1-b"}]
    result = bulk(serve, connection, rows).write(DAY, [{"_id": name} for name in "abc"])
    assert (result.written, result.conflicts) == ({"b", "c"}, {"a"})


@pytest.mark.parametrize(
    ("rows", "word"),
    [
        ([{"id": "a", "rev": "1-a"}], "no answer"),
        ([{"id": "a", "rev": "1-a"}, {"id": "b", "error": "forbidden", "reason": "validation"}], "forbidden"),
        ([{"id": "a", "rev": "1-a"}, {"id": "b"}], "b"),
        ([], "no answer"),
        ({"error": "odd"}, "no answer"),
        ("text", "no answer"),
        (None, "no answer"),
    ],
)
def test_nothing_counts_as_stored_that_the_answer_does_not_say(
    serve: Serve, connection: Put, rows: object, word: str
) -> None:
    with pytest.raises(ServiceUnavailable, match=word):
        bulk(serve, connection, rows).write(DAY, [{"_id": "a"}, {"_id": "b"}])


def test_a_bulk_answer_that_is_no_json(serve: Serve, connection: Put) -> None:
    server = serve(lambda _: Reply("<html>gateway</html>", 200))
    with pytest.raises(ServiceUnavailable):
        hook_to(connection, server.url).write(DAY, [{"_id": "a"}])


@pytest.mark.parametrize("status", [400, 401, 500])
@pytest.mark.parametrize("reason", ["no\n[2026-01-01] ERROR forged line p@example.org", "y " * 5_000_000, 7, None])
def test_what_couchdb_says_is_quoted_on_one_line_and_cut(
    serve: Serve, connection: Put, status: int, reason: object
) -> None:
    server = serve(lambda _: Reply({"error": "e", "reason": reason}, status))
    with pytest.raises((BadSettings, ServiceUnavailable)) as caught:
        hook_to(connection, server.url, patience=0).get(ACCOUNT, "home")
    text = str(caught.value)
    assert f"answered {status}" in text
    assert len(text) < 700
    assert "\n" not in text
    assert "example.org" not in text


def test_half_a_surrogate_pair_is_never_sent(serve: Serve, connection: Put) -> None:
    """CouchDB would refuse all documents that are sent with it."""
    server = serve(lambda _: Reply(json.dumps([{"id": "a", "rev": "1-a"}, {"id": "b", "rev": "1-b"}]), 201))
    hook_to(connection, server.url).write(DAY, [{"_id": "a", "word": "\ud83d"}, {"_id": "b", "word": "\U0001f600"}])
    assert [each["word"] for each in json.loads(server.heard[-1].body)["docs"]] == ["\ufffd", "\U0001f600"]
    assert server.heard[-1].headers["Content-Type"] == "application/json"


def test_a_document_with_half_a_surrogate_pair_hides_no_other(serve: Serve, connection: Put) -> None:
    """The embedded server keeps one. What cannot be used of it is its account's trouble."""
    rows = '{"rows": [{"id": "a", "doc": {"_id": "a", "word": "\\ud83d"}}, {"id": "b", "doc": {"_id": "b"}}]}'
    server = serve(lambda _: Reply(rows))
    assert [each["_id"] for each in hook_to(connection, server.url).scan(ACCOUNT)] == ["a", "b"]
