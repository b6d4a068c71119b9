"""Connections of any type and origin mean the same: typed into a form, written as JSON, or given as a URI."""

from __future__ import annotations

import json
from typing import Any

import pytest
from airflow.models import Connection

from grdf.hooks.connection import AUTHORIZE_URL, GrdfConnection, airflow_connection
from grdf.hooks.couchdb import CouchDBHook

EMPTY = {
    "token_url": None, "scope": None, "calls_per_second": 1, "calls_per_day": 6000, "authorize_url": AUTHORIZE_URL,
    "redirect_uri": None, "issuer": None, "id_token_algorithms": None, "jwks_url": None,
}  # fmt: skip
"""What Airflow 3.3.2 stores when somebody fills in the standard fields alone."""
BLANK = dict.fromkeys(EMPTY, "")
TYPED = {
    "token_url": "https://login.example/token", "scope": "/adict/v3", "calls_per_second": "0.5",
    "calls_per_day": "1000",    "id_token_algorithms": "RS256, ES256", "jwks_url": "https://login.example/keys",
}  # fmt: skip
AS_JSON = TYPED | {"calls_per_second": 0.5, "calls_per_day": 1000, "id_token_algorithms": ["RS256", "ES256"]}


def read(kind: str, extra: dict[str, Any] | None, monkeypatch: pytest.MonkeyPatch, *, uri: bool) -> GrdfConnection:
    given = Connection(  # noqa: AIR311 - the one that the API server makes of a form
        conn_id="typed", conn_type=kind, host="https://api.example/adict/v2", login="us", password="a:b/c@d%",
        port=443, extra=json.dumps(extra) if extra is not None else None,
    )  # fmt: skip
    monkeypatch.setenv("AIRFLOW_CONN_TYPED", given.get_uri() if uri else given.as_json())
    return GrdfConnection.read(airflow_connection("typed"))


@pytest.mark.parametrize("uri", [True, False], ids=["URI, as the Test button gives it", "JSON"])
@pytest.mark.parametrize("kind", ["grdf", "grdfdelete", "generic", "http"])
def test_a_client(monkeypatch: pytest.MonkeyPatch, kind: str, *, uri: bool) -> None:
    usual = read(kind, None, monkeypatch, uri=uri)
    assert (usual.client_id, usual.client_secret) == ("us", "a:b/c@d%")
    assert usual.api_base == "https://api.example:443/adict/v2"
    assert usual.scope == "/adict/v2"
    assert read(kind, EMPTY, monkeypatch, uri=uri) == usual
    assert read(kind, BLANK, monkeypatch, uri=uri) == usual
    typed = read(kind, TYPED, monkeypatch, uri=uri)
    assert typed == read(kind, AS_JSON, monkeypatch, uri=uri)
    assert (typed.calls_per_second, typed.calls_per_day, typed.id_token_algorithms) == (0.5, 1000, ("RS256", "ES256"))


@pytest.mark.parametrize("uri", [True, False], ids=["URI, as the Test button gives it", "JSON"])
@pytest.mark.parametrize("kind", ["couchdb", "generic", "http"])
@pytest.mark.parametrize(("prefix", "meant"), [(None, ""), ("", ""), ("cozy/", "cozy/")])
def test_a_couchdb(monkeypatch: pytest.MonkeyPatch, kind: str, prefix: str | None, meant: str, *, uri: bool) -> None:
    given = Connection(  # noqa: AIR311 - the one that the API server makes of a form
        conn_id="typed", conn_type=kind, host="couch.example", schema="https", port=6984, login="us", password="p/@:",
        extra=json.dumps({"database_prefix": prefix}),
    )  # fmt: skip
    monkeypatch.setenv("AIRFLOW_CONN_TYPED", given.get_uri() if uri else given.as_json())
    hook = CouchDBHook("typed")
    assert hook.facts == ("https://couch.example:6984", "us", "p/@:", meant)
