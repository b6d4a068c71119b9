"""``./grdf doctor`` and servers that are silent, slow or others: it waits for a short time, and says things once."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from grdf.doctor import accounts, airflow_state, couch, grdf_api
from grdf.doctor.findings import Finding, look
from grdf.hooks.adict import AdictHook
from tests.plugins.conftest import Reply, Server
from tests.plugins.drip import Drip

if TYPE_CHECKING:
    from pathlib import Path

    from include.sandbox.local_world import LocalWorld

FAST = 0.3
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
COUCH, GRDF = "AIRFLOW_CONN_COUCHDB", "AIRFLOW_CONN_GRDF_ADICT"


@pytest.fixture(autouse=True)
def impatient(world: LocalWorld, airflow_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (couch, grdf_api):
        monkeypatch.setattr(module, "TIMEOUT", (FAST, FAST))


def changed(monkeypatch: pytest.MonkeyPatch, world: LocalWorld, name: str, **fields: Any) -> None:
    monkeypatch.setenv(name, json.dumps(json.loads(world.connections()[name]) | fields))


def looked_at() -> list[Finding]:
    """Look at CouchDB and the accounts, as the command does."""
    closed: set[str] = set()
    hook = couch.hook_of_doctor()
    found = list(look(couch.checks_of(hook), closed))
    couchdb = None if couch.WHAT in closed else hook
    rows = Finding(airflow_state.WHAT, "unknown", "it has no database here")
    return found + list(look([(accounts.WHAT, partial(accounts.accounts, couchdb, rows))], closed))


def test_how_long_it_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert (couch.TIMEOUT, couch.PATIENCE) == ((3.05, 10.0), 0)
    assert grdf_api.TIMEOUT == (3.05, 10.0)
    hook = couch.hook_of_doctor()
    assert (hook._timeout, hook._patience) == (couch.TIMEOUT, couch.PATIENCE)


def test_the_administrator_s_hook_is_as_patient_as_the_ordinary_one(
    world: LocalWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_COUCHDB_ADMIN", world.connections()[COUCH])
    hook = couch.hook_of_doctor().administrator()
    assert (hook.couchdb_conn_id, hook._timeout, hook._patience) == ("couchdb_admin", (FAST, FAST), 0)


@pytest.mark.parametrize("first", [b"", HEAD], ids=["silent", "a body"])
def test_a_couchdb_that_is_silent_or_slow(world: LocalWorld, monkeypatch: pytest.MonkeyPatch, first: bytes) -> None:
    """It is asked once, and what depends on it is told to be left out."""
    with Drip(first, b" " if first else b"", every=0.05) as server:
        changed(monkeypatch, world, COUCH, host="127.0.0.1", port=server.port)
        found = looked_at()
    told = [each for each in found if each.what == couch.WHAT]
    assert [each.state for each in told] == ["bad", "unknown"]
    assert "no answer in time" in told[0].says
    assert "firewall" in told[0].do
    assert any("because CouchDB cannot be read" in each.says for each in found if each.what == accounts.WHAT)
    assert (server.connections, server.requests) == (1, 1)


def test_a_couchdb_that_falls_silent(world: LocalWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Reply(body={"couchdb": "Welcome", "version": "3.5.0"})
    server = Server(lambda heard: first if heard.path == "/" else Reply(body={}, delay=3 * FAST))
    with server.running():
        changed(monkeypatch, world, COUCH, host=server.url, port=None)
        told = [each for each in looked_at() if each.what == couch.WHAT]
    assert [each.state for each in told] == ["ok", "bad", "unknown"]
    assert [heard.path for heard in server.heard] == ["/", "/_session"]


@pytest.mark.parametrize("body", ["[]", "<html>", "{}", '"x"', '{"version": 1}'])
def test_what_is_no_couchdb(world: LocalWorld, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    server = Server(lambda _: Reply(body=body))
    with server.running():
        changed(monkeypatch, world, COUCH, host=server.url, port=None)
        told = [each for each in looked_at() if each.what == couch.WHAT]
    assert [each.state for each in told] == ["bad", "unknown"]
    assert f"what answers at {server.url} is no CouchDB" in told[0].says
    assert "connection couchdb" in told[0].do
    assert len(server.heard) == 1


def test_a_couchdb_that_closes_the_connection(world: LocalWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    with Drip(b"", b"", every=0, times=1) as server:
        server._answered = lambda _: False  # type: ignore[method-assign]
        changed(monkeypatch, world, COUCH, host="127.0.0.1", port=server.port)
        told = looked_at()[0]
    assert "closes the connection" in told.says


@pytest.mark.parametrize("text", [None, "{nonsense", "{}"], ids=["missing", "no JSON", "empty"])
def test_a_missing_connection_is_told_once(
    world: LocalWorld, monkeypatch: pytest.MonkeyPatch, text: str | None
) -> None:
    for name in (COUCH, GRDF):
        if text is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, text)
    told = looked_at()
    assert len([each for each in told if "connection couchdb" in each.says]) == 1
    grdf = list(look(grdf_api.checks_of(AdictHook(), "GRDF"), set()))
    assert [each.state for each in grdf] == ["bad", "unknown"]
    assert "grdf_adict" in grdf[0].says


@pytest.mark.parametrize("url", ["redis://127.0.0.1:9/0", "redis://127.0.0.1:port/0", "mysql://127.0.0.1/x"])
def test_a_count_of_calls_that_cannot_be_is_told_once(
    world: LocalWorld, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("AIRFLOW__GRDF__QUOTA_URL", url)
    told = list(look(grdf_api.checks_of(AdictHook(), "GRDF"), set()))
    assert [each.state for each in told if each.state == "bad"] == ["bad"]


def test_a_login_server_of_grdf_s_that_is_silent_is_asked_once(
    world: LocalWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    extra = json.loads(world.connections()[GRDF])["extra"]
    with Drip(b"", b"", every=0.05) as server:
        changed(monkeypatch, world, GRDF, extra=extra | {"token_url": f"http://127.0.0.1:{server.port}/token"})
        told = list(look(grdf_api.checks_of(AdictHook(), "GRDF"), set()))
    assert [each.state for each in told if each.state in ("bad", "unknown")] == ["bad", "unknown"]
    assert server.requests == 1
