"""Which typed values lead where a stored connection leads, by type and field."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from airflow.api_fastapi.core_api.datamodels.connections import ConnectionBody
from airflow.models.connection import Connection

from grdf.page import request_limits, security
from grdf.page.stored_place import changes, lacks_secret
from grdf.page.tested_connections import TestedAsStored

TestedAsStored.__test__ = False  # type: ignore[attr-defined]
EXTRA = {"token_url": "https://a.example/t", "api_key": "KEY", "deep": {"secret": "S", "n": 1}}


def stored(kind: str, **fields: Any) -> Connection:
    usual: dict[str, Any] = {"host": "a.example", "port": 5432, "login": "us", "password": "word", "schema": "one"}
    return Connection("stored", kind, **usual | fields)


def typed(kind: str, **fields: Any) -> ConnectionBody:
    return ConnectionBody.model_validate({"connection_id": "stored", "conn_type": kind, **fields})


@pytest.mark.parametrize("kind", ["postgres", "http", "grdf"])
@pytest.mark.parametrize(
    "fields",
    [
        {}, {"password": "***"}, {"password": "own"}, {"description": "x"}, {"host": "a.example", "port": "5432"},
        {"schema": "one", "login": "us"}, {"extra": json.dumps(EXTRA)},
        {"extra": json.dumps(EXTRA | {"token_url": "***", "api_key": "***", "deep": {"n": 1, "secret": "***"}})},
    ],
)  # fmt: skip
def test_the_same_place(kind: str, fields: dict[str, Any]) -> None:
    assert changes(typed(kind, **fields), stored(kind, extra=json.dumps(EXTRA))) == []


@pytest.mark.parametrize("blank", [None, "", "{}"])
@pytest.mark.parametrize("nothing", [None, "", 0])
def test_nothing_is_written_in_several_ways(nothing: Any, blank: str | None) -> None:
    fields = {"host": nothing or None, "schema": nothing or None, "login": nothing or "", "extra": blank}
    kept = stored("http", host="", port=None, login=None, schema="", extra=None)
    assert changes(typed("http", port=nothing or None, **fields), kept) == []
    assert changes(typed("http", port=0), kept) == [], "what Airflow's list sends for no port"


@pytest.mark.parametrize("kind", ["postgres", "http", "grdf", "couchdb"])
@pytest.mark.parametrize(
    "field", [{"host": "b.example"}, {"host": None}, {"port": 1}, {"port": None}, {"login": "you"}]
)
def test_another_place(kind: str, field: dict[str, Any]) -> None:
    assert changes(typed(kind, **field), stored(kind)) == [*field]
    assert changes(typed("aws", **field), stored(kind)) == ["type", *field]


@pytest.mark.parametrize(
    "extra",
    [
        None, "", '{"api_key": "***"}', json.dumps(EXTRA | {"more": 1}), json.dumps(EXTRA | {"token_url": "elsewhere"}),
        json.dumps(EXTRA | {"deep": {"secret": "S", "n": True}}),
    ],
)  # fmt: skip
def test_another_extra(extra: str | None) -> None:
    """The extra of our own types is held by their own checks."""
    kept = json.dumps(EXTRA)
    assert changes(typed("http", extra=extra), stored("http", extra=kept)) == ["extra"]
    assert changes(typed("grdf", extra=extra), stored("grdf", extra=kept)) == []


@pytest.mark.parametrize("name", ["schema", "schema_"])
@pytest.mark.parametrize("schema", ["another_database", "", None, "v2.days-1"])
def test_another_database_may_be_tried(name: str, schema: str | None) -> None:
    assert changes(typed("postgres", **{name: schema}), stored("postgres")) == []
    assert changes(typed("couchdb", **{name: schema}), stored("couchdb")) == ["schema"]
    assert changes(typed("ldap", **{name: schema}), stored("ldap")) == ["schema"], "it may be a protocol"


@pytest.mark.parametrize("schema", ["host=b.example", "postgresql://b.example/one", "one?host=b", "a b", "a/b", "a\n"])
def test_a_database_s_name_that_is_read_as_an_address_leads_elsewhere(schema: str) -> None:
    assert changes(typed("postgres", schema=schema), stored("postgres")) == ["schema"]


def test_what_is_lacking() -> None:
    assert not lacks_secret(typed("http", password="own"), stored("http"))
    assert lacks_secret(typed("http", password="own", extra='{"api_key": "***"}'), stored("http"))
    for nothing in ({}, {"password": None}, {"password": ""}, {"password": "***"}):
        assert lacks_secret(typed("http", **nothing), stored("http"))
        assert not lacks_secret(typed("http", **nothing), stored("http", password=None))


def test_a_connection_of_a_team_is_looked_up_as_the_team_s(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[tuple[str, str | None]] = []

    class Manager:
        def is_authorized_connection(self, *, method: str, details: Any, user: str) -> bool:
            looked.append((f"may {user} {method} {details.conn_id}?", details.team_name))
            return user == "anne"

    def look(conn_id: str, team_name: str | None = None) -> str:
        looked.append((conn_id, team_name))
        return "found"

    monkeypatch.setattr(security, "get_auth_manager", Manager)
    monkeypatch.setattr(Connection, "get_connection_from_secrets", look)
    monkeypatch.setattr(Connection, "get_team_name", {"theirs": "south"}.get)
    assert security._readable("anne", "theirs", "north") == "found"
    assert security._readable("anne", "in_a_vault", "north") == "found"
    assert security._readable("bert", "theirs", None) is None
    assert looked == [
        ("may anne GET theirs?", "south"), ("theirs", "south"), ("may anne GET in_a_vault?", "north"),
        ("in_a_vault", "north"), ("may bert GET theirs?", "south"),
    ]  # fmt: skip


def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_limits, "BODY_SECONDS", 0.05)
    sent: list[Any] = []

    async def receive() -> Any:
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b"{", "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    async def airflow(*_: Any) -> None:
        raise AssertionError

    scope = {"type": "http", "method": "POST", "path": "/api/v2/connections/test", "headers": []}
    asyncio.run(asyncio.wait_for(TestedAsStored(airflow)(scope, receive, send), 5))
    assert sent[0]["status"] == 408
