"""The CouchDB hook with a server over HTTP, and when something is wrong: place, cause and next step are named."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import RetryAction

from grdf.airflow.retries import GasRetryPolicy
from grdf.hooks import couchdb as module
from grdf.hooks.couchdb import CouchDBHook
from grdf.stores.accounts.account_store import AccountStore
from include.gas.documents.day_documents import account_range
from include.gas.documents.doctypes import ACCOUNT, DAY, MONTH, YEAR, database, index_name
from include.gas.errors import BadRequest, BadSettings, FailNow, ServiceUnavailable
from include.sandbox.couch import EmbeddedCouch
from tests.plugins.conftest import Put, Reply, Serve


@pytest.fixture
def hook(own_databases: CouchDBHook) -> CouchDBHook:
    return own_databases


def day(number: int, **more: Any) -> dict[str, Any]:
    return {"_id": f"home:09999995000010:{number:05}", "load": number, **more}


def ids(documents: list[dict[str, Any]]) -> list[str]:
    return [document["_id"] for document in documents]


def days(*numbers: int) -> list[str]:
    return [day(number)["_id"] for number in numbers]


def test_databases_are_made_by_the_first_write(hook: CouchDBHook) -> None:
    assert hook.get(ACCOUNT, "home") is None
    assert hook.range(DAY, "a", "b") == []
    assert hook.fetch(DAY, ["a"]) == {}
    assert not hook.has_database(DAY)
    revision = hook.put(ACCOUNT, {"_id": "home", "é": "ü"})
    assert hook.get(ACCOUNT, "home") == {"_id": "home", "_rev": revision, "é": "ü"}
    assert hook.write(DAY, [day(1)]).written == {*days(1)}
    assert hook.has_database(DAY)
    assert not hook.has_database(MONTH)

    def write(number: int) -> int:
        try:
            return len(hook.write(YEAR, [day(number)]).written)
        except ServiceUnavailable:  # CouchDB 3.5.2 answers 500 where an index is made twice at once
            return len(hook.write(YEAR, [day(number)]).written)

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(write, range(6))) == [1] * 6, "many may make one at once"
    for use in (hook.create_database, lambda doctype: hook.put(doctype, {"_id": "a"})):
        with pytest.raises(ValueError, match=r"DATABASES"):  # a deletion would not know it
            use("com.grandlyon.grdf.new")


@pytest.mark.parametrize("doctype", [DAY, MONTH, YEAR, ACCOUNT])
def test_it_has_its_indexes_and_making_it_again_changes_nothing(hook: CouchDBHook, doctype: str) -> None:
    def indexes() -> set[str]:
        found = hook.require_success(hook.request("GET", doctype, "/_index")).json()["indexes"]
        return {each["ddoc"].removeprefix("_design/") for each in found if each["ddoc"]}

    hook.write(doctype, [day(1)])
    made = {index_name(fields) for fields in database(doctype).indexes}
    assert (indexes(), hook.create_database(doctype), indexes()) == (made, ["exists"], made)
    assert list(hook.scan(doctype)) == hook.range(doctype, *account_range("home")), "they are no documents of ours"


def test_one_document_against_its_revision(hook: CouchDBHook) -> None:
    first = hook.put(ACCOUNT, {"_id": "home", "n": 1})
    assert hook.put(ACCOUNT, {"_id": "home", "n": 2}) is None, "it must be new, and is not"
    assert hook.put(ACCOUNT, {"_id": "home", "_rev": first, "n": 3})
    assert hook.put(ACCOUNT, {"_id": "home", "_rev": first, "n": 4}) is None
    assert hook.put(ACCOUNT, {"_id": "never-there", "_rev": first, "n": 4}) is None
    assert (hook.get(ACCOUNT, "home") or {})["n"] == 3
    hook.require_success(hook.request("DELETE", ACCOUNT, ""))
    assert hook.put(ACCOUNT, {"_id": "home", "_rev": first, "n": 2}) is None
    assert not hook.has_database(ACCOUNT), "a lost one is not made anew for a document that was in it"


@pytest.mark.parametrize("count", [0, 6, 7, 8, 15])
def test_a_range_is_whole_whatever_the_page(hook: CouchDBHook, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(module, "PAGE", 7)
    hook.write(DAY, [*map(day, range(count)), {"_id": "aaa:x"}, {"_id": "zzz:x"}])
    assert ids(hook.range(DAY, *account_range("home", "09999995000010"))) == days(*range(count))
    assert len(list(hook.scan(DAY))) == count + 2
    assert ids(hook.range(DAY, *days(0, 3))) == days(*range(4))[:count], "both ends are included"


def test_a_page_whose_last_document_is_deleted_meanwhile(hook: CouchDBHook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAGE", 3)
    hook.write(DAY, [day(number) for number in range(8)])
    seen = []
    for document in hook.scan(DAY, *account_range("home")):
        seen.append(document["_id"])
        if seen == days(0, 1):
            (doomed,) = hook.fetch(DAY, days(3)).values()
            hook.put(DAY, doomed | {"_deleted": True})
    assert seen == days(0, 1, 2, 4, 5, 6, 7)


def test_documents_go_in_bounded_batches_and_fetch_leaves_out_what_is_gone(hook: CouchDBHook) -> None:
    hook.write(DAY, [day(0)])
    before = hook.requests_sent
    count = 2 * module.BATCH + 1
    assert len(hook.write(DAY, [day(number) for number in range(1, count + 1)]).written) == count
    assert hook.requests_sent - before == 3
    (doomed,) = hook.fetch(DAY, days(2)).values()
    hook.put(DAY, doomed | {"_deleted": True})
    wanted = days(0, 2, module.BATCH + 4, 99_999)
    found = hook.fetch(DAY, [*wanted, *days(*range(5, module.BATCH + 2))])
    assert set(wanted) & set(found) == {*days(0, module.BATCH + 4)}
    assert all(document["_rev"] for document in found.values())
    assert (hook.fetch(DAY, []), hook.write(DAY, []).written) == ({}, set())


def test_conflicts_are_reported_one_by_one(hook: CouchDBHook) -> None:
    hook.write(DAY, [day(1), day(2)])
    (stale,) = hook.fetch(DAY, days(2)).values()
    hook.write(DAY, [stale | {"load": 20}])
    result = hook.write(DAY, [day(1, load=10), stale | {"load": 30}, day(3)])
    assert (result.written, result.conflicts) == ({*days(3)}, {*days(1, 2)})
    assert [document["load"] for document in hook.fetch(DAY, days(1, 2, 3)).values()] == [1, 20, 3]


@pytest.mark.parametrize("doc_id", ["_all_docs", "_design/x", "", ".", ".."])
def test_couchdbs_own_endpoints_are_no_documents(hook: CouchDBHook, doc_id: str) -> None:
    with pytest.raises(BadRequest, match="cannot be a document id"):
        hook.get(ACCOUNT, doc_id)
    with pytest.raises(BadRequest, match="cannot be a document id"):
        hook.put(ACCOUNT, {"_id": doc_id})
    with pytest.raises(FailNow, match="CouchDB was not asked" if doc_id else "no such account"):
        AccountStore(hook).read_account(doc_id)
    assert hook.requests_sent == 0


def test_an_odd_id_is_one_document(hook: CouchDBHook) -> None:
    for odd in ("a/b", "../x", "%2e%2e", "a?b=c", "a#b", "a b", "é/ü", "a%2Fb", ".a", "a+b&c=d", "100%"):
        assert hook.put(ACCOUNT, {"_id": odd, "said": odd})
        assert (hook.get(ACCOUNT, odd) or {})["said"] == odd
        assert ids(hook.range(ACCOUNT, odd, odd)) == [odd]


def hook_to(connection: Put, url: str, **more: Any) -> CouchDBHook:
    return CouchDBHook(connection("couchdb_odd", host=url, login="us", password="hush-hush"), **more)


Answering = Callable[..., CouchDBHook]


@pytest.fixture
def answering(serve: Serve, connection: Put) -> Answering:
    def make(body: Any = "", status: int = 200, **more: Any) -> CouchDBHook:
        reply = Reply(body if isinstance(body, str | bytes) else json.dumps(body), status)
        return hook_to(connection, serve(lambda _: reply).url, **{"patience": 0} | more)

    return make


def test_a_login_that_others_had_locked_is_tried_again(tmp_path: Path, connection: Put) -> None:
    with EmbeddedCouch(tmp_path, memory=True, lockout=5) as server:
        old = connection("couchdb_old", host=server.url, login=server.user, password="hush-hush")
        for _ in range(5):  # a program with yesterday's password, on the same machine
            with pytest.raises(BadSettings, match="401"):
                CouchDBHook(old).get(ACCOUNT, "home")
        conn_id = connection("couchdb_odd", host=server.url, login=server.user, password=server.password)
        hook = CouchDBHook(conn_id, patience=0)
        for call in (
            lambda: hook.get(ACCOUNT, "home"),
            lambda: hook.put(ACCOUNT, {"_id": "home"}),
            lambda: hook.write(DAY, [{"_id": "home:1"}]),
        ):
            with pytest.raises(
                ServiceUnavailable, match=r"403 .*temporarily locked.*couchdb_odd.*old password"
            ) as caught:
                call()
            assert caught.value.retry_after == 300
            assert GasRetryPolicy().evaluate(caught.value, 1, 3).action == RetryAction.RETRY


def test_what_is_missing_or_odd_in_the_connection_is_named(connection: Put) -> None:
    whole = {"host": "http://h", "login": "a", "password": "b"}
    for fields, word in (
        ({}, "host.*login.*password.*AIRFLOW_CONN_COUCHDB_ODD"), (whole | {"host": "http://h:port"}, "host"),
        (whole | {"extra": {"database_prefix": 5}}, "database_prefix"),
    ):  # fmt: skip
        with pytest.raises(BadSettings, match=word):
            CouchDBHook(connection("couchdb_odd", **fields)).get(ACCOUNT, "home")


@pytest.mark.parametrize("password", ["é ü:/@%", "пароль €", ">>>???~~~"])
def test_a_password_of_any_letters(tmp_path: Path, connection: Put, password: str) -> None:
    with EmbeddedCouch(tmp_path, password=password, memory=True) as server:
        conn_id = connection("couchdb_odd", host=server.url, login=server.user, password=password)
        assert CouchDBHook(conn_id).logs_in()


def test_a_server_that_is_down_or_does_not_answer(serve: Serve, connection: Put) -> None:
    slow = serve(lambda _: Reply({}, delay=1))
    for url in ("http://127.0.0.1:9", slow.url):
        with pytest.raises(ServiceUnavailable, match=rf"{url} could not be reached.*couchdb_odd"):
            hook_to(connection, url, timeout=(0.2, 0.2), patience=0).get(ACCOUNT, "home")


def test_a_busy_server_is_asked_again_for_a_while(serve: Serve, connection: Put) -> None:
    replies = [Reply({}, 503, {"Retry-After": "3600"}), Reply({}, 429), Reply({"_id": "home"})]
    assert hook_to(connection, serve(lambda _: replies.pop(0)).url).get(ACCOUNT, "home") == {"_id": "home"}
    server = serve(lambda _: Reply({"error": "busy", "reason": "compacting"}, 503))
    with pytest.raises(ServiceUnavailable, match=r"503.*compacting"):
        hook_to(connection, server.url, patience=1).get(ACCOUNT, "home")
    assert len(server.heard) == 2


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, "<html>a proxy</html>", ServiceUnavailable), (200, "[]", ServiceUnavailable),
        (500, "<html>no</html>", ServiceUnavailable), (403, {"reason": "not allowed to access"}, BadSettings),
        (405, {"reason": "no"}, BadSettings), (400, "[]", BadSettings),
        (500, "[" * 200_000, ServiceUnavailable),
        (500, '{"reason":' + "[" * 200_000 + "]" * 200_000 + "}", ServiceUnavailable),
    ],
    ids=["html", "list", "error in html", "forbidden", "not allowed", "bad request", "deep", "deep reason"],
)  # fmt: skip
def test_answers_of_something_that_is_no_couchdb(answering: Answering, status: int, body: Any, kind: type) -> None:
    with pytest.raises(kind, match=rf"answered {status}" if status != 200 else "not a JSON object"):
        answering(body, status).get(ACCOUNT, "home")


@pytest.mark.parametrize("reason", ["no\n[2026-01-01] ERROR forged line p@example.org", "y " * 5_000_000, 7, None])
def test_what_couchdb_says_is_quoted_on_one_line_and_cut(answering: Answering, reason: object) -> None:
    with pytest.raises(BadSettings, match="answered 400") as caught:
        answering({"error": "e", "reason": reason}, 400).get(ACCOUNT, "home")
    text = str(caught.value)
    assert len(text) < 700
    assert "\n" not in text
    assert "example.org" not in text


ONE = {"id": "a:m:2026-01-01", "key": "a:m:2026-01-01", "value": {"rev": "1-a"}}
GOOD = ONE | {"doc": {"_id": ONE["id"], "_rev": "1-a", "load": 5, "year": 2026, "month": 1, "day": 1}}
TWO = {"id": "a:m:2026-01-02", "key": "a:m:2026-01-02"}


@pytest.mark.parametrize(
    "answer",
    [
        {"hello": "world"},
        *({"rows": [GOOD, odd]} for odd in (
            TWO | {"error": "timeout"}, {"key": TWO["key"], "error": "internal_server_error"},
            TWO | {"value": {"rev": "1-b"}, "doc": None}, TWO | {"value": {"rev": "1-b"}})),
    ],
)  # fmt: skip
def test_a_document_that_could_not_be_read_is_an_error(answering: Answering, answer: dict[str, Any]) -> None:
    """Left out, it would be missing in a total."""
    hook = answering(answer)
    for use in (lambda: hook.range(DAY, "a:", "a;"), lambda: hook.fetch(DAY, [ONE["id"], TWO["id"]])):
        with pytest.raises(ServiceUnavailable, match=r"has no rows|could not read a document"):
            use()


def test_rows_of_a_bulk_answer_are_matched_by_id_and_not_by_place(answering: Answering) -> None:
    rows = [{"id": "c", "rev": "1-c"}, {"id": "a", "error": "conflict", "reason": "x"}, {"id": "b", "rev": "1-b"}]
    result = answering(rows, 201).write(DAY, [{"_id": name} for name in "abc"])
    assert (result.written, result.conflicts) == ({"b", "c"}, {"a"})


@pytest.mark.parametrize(
    ("rows", "word"),
    [
        ([{"id": "a", "rev": "1-a"}], "no answer"),
        ([{"id": "a", "rev": "1-a"}, {"id": "b", "error": "forbidden", "reason": "validation"}], "forbidden"),
        ([{"id": "a", "rev": "1-a"}, {"id": "b"}], "b"),
        *((odd, "no answer") for odd in ([], {"error": "odd"}, "text", None)),
    ],
)
def test_nothing_counts_as_stored_that_the_answer_does_not_say(answering: Answering, rows: object, word: str) -> None:
    with pytest.raises(ServiceUnavailable, match=word):
        answering(json.dumps(rows), 201).write(DAY, [{"_id": "a"}, {"_id": "b"}])


def test_half_a_surrogate_pair_is_never_sent_and_hides_no_other_document(serve: Serve, connection: Put) -> None:
    """CouchDB would refuse all documents that are sent with it. The embedded server keeps one."""
    server = serve(lambda _: Reply(json.dumps([{"id": "a", "rev": "1-a"}, {"id": "b", "rev": "1-b"}]), 201))
    hook_to(connection, server.url).write(DAY, [{"_id": "a", "word": "\ud83d"}, {"_id": "b", "word": "\U0001f600"}])
    assert [each["word"] for each in json.loads(server.heard[-1].body)["docs"]] == ["\ufffd", "\U0001f600"]
    assert server.heard[-1].headers["Content-Type"] == "application/json"
    rows = '{"rows": [{"id": "a", "doc": {"_id": "a", "word": "\\ud83d"}}, {"id": "b", "doc": {"_id": "b"}}]}'
    assert [each["_id"] for each in hook_to(connection, serve(lambda _: Reply(rows)).url).scan(ACCOUNT)] == ["a", "b"]
