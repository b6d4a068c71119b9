"""Rows of ``_all_docs`` that CouchDB could not read cause an error that is retried. No document is left out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from grdf.hooks.couchdb import CouchDBHook
from include.gas.answers.consumption.daily import Reading
from include.gas.days.windows import Window
from include.gas.documents.doctypes import DAY
from include.gas.documents.storing import load_answer
from include.gas.errors import ServiceUnavailable
from tests.plugins.conftest import Heard, Reply, Server

Serve = Callable[[Callable[[Heard], Reply]], Server]
ONE = {"id": "a:m:2026-01-01", "key": "a:m:2026-01-01", "value": {"rev": "1-a"}}
GOOD = ONE | {"doc": {"_id": ONE["id"], "_rev": "1-a", "load": 5, "year": 2026, "month": 1, "day": 1}}
TWO = {"id": "a:m:2026-01-02", "key": "a:m:2026-01-02"}
ODD: list[dict[str, Any]] = [
    TWO | {"error": "timeout"},
    {"key": TWO["key"], "error": "internal_server_error"},
    TWO | {"value": {"rev": "1-b"}, "doc": None},
    TWO | {"value": {"rev": "1-b"}},
]


@pytest.fixture
def hook(connection: Callable[..., str], serve: Serve) -> Callable[[list[dict[str, Any]]], tuple[CouchDBHook, Server]]:
    """A hook for a CouchDB whose ``_all_docs`` returns some rows."""

    def to(rows: list[dict[str, Any]]) -> tuple[CouchDBHook, Server]:
        server = serve(lambda _: Reply({"total_rows": 2, "offset": 0, "rows": rows}))
        return CouchDBHook(connection("couchdb_odd", host=server.url, login="us", password="x"), patience=0), server

    return to


@pytest.mark.parametrize("odd", ODD)
def test_a_document_that_could_not_be_read_is_an_error(hook: Any, odd: dict[str, Any]) -> None:
    couchdb, _ = hook([GOOD, odd])
    with pytest.raises(ServiceUnavailable, match="could not read a document"):
        couchdb.range(DAY, "a:", "a;")
    with pytest.raises(ServiceUnavailable, match="could not read a document"):
        couchdb.fetch(DAY, [ONE["id"], TWO["id"]])


@pytest.mark.parametrize("odd", ODD)
def test_a_load_writes_nothing_then(hook: Any, odd: dict[str, Any]) -> None:
    couchdb, server = hook([GOOD, odd])
    day = datetime(2026, 1, 3, tzinfo=UTC)
    with pytest.raises(ServiceUnavailable):
        load_answer(
            couchdb, "a", "m", [Reading(day.date(), 7)], day, window=Window(day.date(), day.date().replace(day=4))
        )
    assert not [heard for heard in server.heard if "_bulk_docs" in heard.path]


def test_a_document_that_does_not_exist_is_none(hook: Any) -> None:
    couchdb, _ = hook(
        [GOOD, {"key": "x", "error": "not_found"}, TWO | {"value": {"rev": "2-b", "deleted": True}, "doc": None}]
    )
    assert couchdb.fetch(DAY, [ONE["id"], "x", TWO["id"]]) == {ONE["id"]: GOOD["doc"]}
