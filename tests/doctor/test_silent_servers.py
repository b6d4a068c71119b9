"""``./grdf doctor`` and servers that are silent, slow or others: it waits for a short time, and says things once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from grdf.doctor import couch, grdf_api
from grdf.doctor.__main__ import main
from grdf.doctor.findings import Finding, findings_of
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


def couchdb() -> list[Finding]:
    return list(findings_of("CouchDB", lambda: couch.connection(couch.hook_of_doctor())))


def grdf() -> list[Finding]:
    return list(findings_of("GRDF", lambda: grdf_api.client(AdictHook())))


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
def test_a_couchdb_that_is_silent_or_slow(
    world: LocalWorld, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], first: bytes
) -> None:
    """It is asked once, and the accounts are told to be left out."""
    with Drip(first, b" " if first else b"", every=0.05) as server:
        changed(monkeypatch, world, COUCH, host="127.0.0.1", port=server.port)
        assert main(["--json"]) == 1
    found = json.loads(capsys.readouterr().out)["findings"]
    (told,) = [each for each in found if each["what"] == "CouchDB"]
    assert (told["state"], "no answer in time" in told["says"], "firewall" in told["do"]) == ("bad", True, True)
    (left_out,) = [each for each in found if each["what"] == "accounts"]
    assert (left_out["state"], "because CouchDB cannot be read" in left_out["says"]) == ("unknown", True)
    assert (server.connections, server.requests) == (1, 1)


def test_a_couchdb_that_falls_silent(world: LocalWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Reply(body={"couchdb": "Welcome", "version": "3.5.0"})
    server = Server(lambda heard: first if heard.path == "/" else Reply(body={}, delay=3 * FAST))
    with server.running():
        changed(monkeypatch, world, COUCH, host=server.url, port=None)
        told = couchdb()
    assert [each.state for each in told] == ["ok", "bad"]
    assert [heard.path for heard in server.heard] == ["/", "/_session"]


@pytest.mark.parametrize("body", ["[]", "<html>", "{}", '"x"', '{"version": 1}'])
def test_what_is_no_couchdb(world: LocalWorld, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    server = Server(lambda _: Reply(body=body))
    with server.running():
        changed(monkeypatch, world, COUCH, host=server.url, port=None)
        (told,) = couchdb()
    assert (told.state, f"what answers at {server.url} is no CouchDB" in told.says) == ("bad", True)
    assert "connection couchdb" in told.do
    assert len(server.heard) == 1


def test_a_couchdb_that_closes_the_connection(world: LocalWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    with Drip(b"", b"", every=0, times=1) as server:
        server._answered = lambda _: False  # type: ignore[method-assign]
        changed(monkeypatch, world, COUCH, host="127.0.0.1", port=server.port)
        (told,) = couchdb()
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
    ((of_couchdb,), (of_grdf,)) = couchdb(), grdf()
    assert (of_couchdb.state, "connection couchdb" in of_couchdb.says) == ("bad", True)
    assert (of_grdf.state, "grdf_adict" in of_grdf.says) == ("bad", True)


@pytest.mark.parametrize("url", ["redis://127.0.0.1:9/0", "redis://127.0.0.1:port/0", "mysql://127.0.0.1/x"])
def test_a_count_of_calls_that_cannot_be_is_told_once(
    world: LocalWorld, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("AIRFLOW__GRDF__QUOTA_URL", url)
    assert [each.state for each in grdf() if each.state == "bad"] == ["bad"]


def test_a_login_server_of_grdf_s_that_is_silent_is_asked_once(
    world: LocalWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    extra = json.loads(world.connections()[GRDF])["extra"]
    with Drip(b"", b"", every=0.05) as server:
        changed(monkeypatch, world, GRDF, extra=extra | {"token_url": f"http://127.0.0.1:{server.port}/token"})
        assert [each.state for each in grdf() if each.state != "look"] == ["ok", "bad"]
    assert server.requests == 1
