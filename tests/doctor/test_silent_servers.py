"""``./grdf doctor`` and servers that are silent, slow or others: it waits for a short time, and reports each once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grdf.doctor import client_checks, couchdb_checks
from grdf.doctor.__main__ import main
from grdf.doctor.findings import Finding, findings_of
from grdf.hooks.adict import AdictHook
from include.sandbox.local_world import LocalWorld
from tests.doctor.test_doctor import SET_BY_IT
from tests.plugins.conftest import Reply, Server
from tests.plugins.drip import Drip

FAST = 0.3
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
COUCH, GRDF = "AIRFLOW_CONN_COUCHDB", "AIRFLOW_CONN_GRDF_ADICT"


@pytest.fixture
def changed(world: LocalWorld, airflow_home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    for name, value in SET_BY_IT.items():
        monkeypatch.setenv(name, value)
    for module in (couchdb_checks, client_checks):
        monkeypatch.setattr(module, "TIMEOUT", (FAST, FAST))

    def change(name: str, **fields: Any) -> None:
        monkeypatch.setenv(name, json.dumps(json.loads(world.connections()[name]) | fields))

    return change


def couchdb() -> list[Finding]:
    return list(findings_of("CouchDB", lambda: couchdb_checks.check_connection(couchdb_checks.hook_of_doctor())))


@pytest.mark.parametrize("first", [b"", HEAD], ids=["silent", "a body"])
def test_a_couchdb_that_is_silent_or_slow(
    changed: Callable[..., None], capsys: pytest.CaptureFixture[str], first: bytes
) -> None:
    with Drip(first, b" " if first else b"", every=0.05) as server:
        changed(COUCH, host="127.0.0.1", port=server.port)
        assert main(["--json"]) == 1
    found = {each["what"]: each for each in json.loads(capsys.readouterr().out)["findings"]}
    reported, left_out = found["CouchDB"], found["accounts"]
    assert [part for part in ("no answer in time", "firewall") if part not in reported["says"] + reported["do"]] == []
    assert (left_out["state"], reported["state"]) == ("unknown", "bad")
    assert "because CouchDB cannot be read" in left_out["says"]
    assert (server.connections, server.requests) == (1, 1)


@pytest.mark.parametrize("body", ["[]", "<html>", '{"version": 1}'])
def test_what_is_no_couchdb(changed: Callable[..., None], body: str) -> None:
    server = Server(lambda _: Reply(body=body))
    with server.running():
        changed(COUCH, host=server.url, port=None)
        (reported,) = couchdb()
    assert (reported.state, f"what answers at {server.url} is no CouchDB" in reported.says) == ("bad", True)
    assert len(server.heard) == 1


def test_a_login_server_of_grdf_s_that_is_silent_is_asked_once(world: LocalWorld, changed: Callable[..., None]) -> None:
    extra = json.loads(world.connections()[GRDF])["extra"]
    with Drip(b"", b"", every=0.05) as server:
        changed(GRDF, extra=extra | {"token_url": f"http://127.0.0.1:{server.port}/token"})
        reported = list(findings_of("GRDF", lambda: client_checks.check_client(AdictHook())))
    assert [each.state for each in reported if each.state != "look"] == ["ok", "bad"]
    assert server.requests == 1
