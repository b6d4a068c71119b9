"""``./grdf doctor``: nothing to mend where all is well, and a useful line for each thing that is broken or silent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from airflow.sdk import BaseNotifier

from grdf.doctor import client_checks, couchdb_checks
from grdf.doctor.__main__ import main
from grdf.hooks.couchdb import COMPARES, CouchDBHook
from include.gas.documents.doctypes import ACCOUNT, DOCTYPES
from include.sandbox.local_world import LocalWorld
from tests.plugins.conftest import Reply, Server
from tests.plugins.drip import Drip

Findings = list[dict[str, str]]
Doctor = Callable[..., tuple[int, Findings]]
ADICT, COUCH = "AIRFLOW_CONN_GRDF_ADICT", "AIRFLOW_CONN_COUCHDB"
DATABASE = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
GRDF = "GRDF (grdf_adict)"
SENT: list[Any] = []
SET_BY_IT = {
    "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR", "PGCONNECT_TIMEOUT": "5", "_AIRFLOW_PROCESS_CONTEXT": "server",
}  # fmt: skip


class Bell(BaseNotifier):
    def __init__(self, *, room: str, text: str = "") -> None:
        super().__init__()
        self.room, self.text = room, text

    def notify(self, context: Any) -> None:
        SENT.append(context)


@pytest.fixture
def installed(clean: LocalWorld, airflow_home: Path) -> LocalWorld:
    for doctype in DOCTYPES:
        CouchDBHook().create_database(doctype)
    return clean


@pytest.fixture
def doctor(installed: LocalWorld, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Doctor:
    for name, value in SET_BY_IT.items():
        monkeypatch.setenv(name, value)

    def asked(**variables: str) -> tuple[int, Findings]:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        capsys.readouterr()
        code = main(["--json"])
        reported = json.loads(capsys.readouterr().out)
        assert reported["exit"] == code
        return code, reported["findings"]

    return asked


@pytest.fixture
def new_doctor(installed: LocalWorld, airflow_home: Path) -> Doctor:
    def asked(**variables: str) -> tuple[int, Findings]:
        env = {**os.environ, **installed.connections(), "AIRFLOW_HOME": str(airflow_home), **variables}
        done = subprocess.run(
            [sys.executable, "-P", "-m", "grdf.doctor", "--json"],
            env=env, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)["findings"]

    return asked


def bad(findings: Findings) -> list[tuple[str, str]]:
    return [(each["what"], each["says"]) for each in findings if each["state"] == "bad"]


def setting(name: str, value: str, what: str = "settings", text: str = "") -> tuple[Any, str, str]:
    return lambda _: {f"AIRFLOW__GRDF__{name.upper()}": value}, what, text or name


def connection(name: str, what: str, text: str, **more: Any) -> tuple[Any, str, str]:
    def changed(world: LocalWorld) -> dict[str, str]:
        known = json.loads(world.connections()[name])
        fields = {key: more.pop(key) for key in ("password", "host", "port") if key in more}
        return {name: json.dumps(known | fields | {"extra": known.get("extra", {}) | more})}

    return changed, what, text


NOTIFIER = f"{__name__}.Bell"
BROKEN: dict[str, tuple[Callable[[LocalWorld], dict[str, str]], str, str]] = {
    "a wrong secret": connection(ADICT, GRDF, "invalid_client", password="wrong"),
    "a closed address": connection(ADICT, GRDF, "cannot be reached", token_url="http://127.0.0.1:9/token"),
    "a wrong scope": connection(ADICT, GRDF, "scope", scope="/other"),
    "no connection": (lambda _: {ADICT: "{nonsense"}, GRDF, "grdf_adict"),
    "CouchDB's password": connection(COUCH, "CouchDB", "login", password="wrong"),
    "CouchDB's address": connection(COUCH, "CouchDB", "could not be reached", host="127.0.0.1", port=9),
    "databases missing": connection(COUCH, "CouchDB", "are missing", database_prefix="looked-at-"),
    "an address as pool": setting("pool", "redis://u:wrong/word@h", "Airflow", "no pool [hidden]"),
    "no quota store": setting("quota_url", "postgresql://127.0.0.1:9/q", GRDF, "be counted"),
    "a login in staging": setting("staging_url", "s3://writer:wrong/word@bucket", "settings", "staging_url holds a"),
    "staging in a file": setting("staging_url", "file:///dev/null/grdf/staging", "staging", "/dev/null is no folder"),
    "no notifier": (
        lambda _: {"AIRFLOW__GRDF__ALERT_NOTIFIER": NOTIFIER, "AIRFLOW__GRDF__ALERT_NOTIFIER_KWARGS": "{}"},
        "settings", "room",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("broken", "what", "text"), BROKEN.values(), ids=BROKEN)
def test_what_is_broken_is_told_with_what_to_do(
    installed: LocalWorld, doctor: Doctor, broken: Callable[[LocalWorld], dict[str, str]], what: str, text: str
) -> None:
    code, findings = doctor(**broken(installed))
    reported = [each for each in findings if each["state"] == "bad" and each["what"] == what]
    assert code == 1
    assert [text in each["says"] for each in reported].count(True) == 1, json.dumps(findings, indent=1)
    assert all(each["do"] for each in reported)
    assert "wrong/word" not in json.dumps(findings)
    login = (installed.couch.user, installed.couch.password)
    names = requests.get(f"{installed.couch.url}/_all_dbs", auth=login, timeout=30).json()
    assert not [name for name in names if name.startswith("looked-at-")], "it changes nothing"


def test_what_it_looks_at(installed: LocalWorld, doctor: Doctor, tmp_path: Path) -> None:
    code, findings = doctor(
        AIRFLOW__GRDF__ALERT_NOTIFIER=NOTIFIER, AIRFLOW__GRDF__ALERT_NOTIFIER_KWARGS='{"room": "secret-room"}',
        AIRFLOW__GRDF__STAGING_URL=f"file://{tmp_path / 'a' / 'b'}",
    )  # fmt: skip
    assert {each["what"] for each in findings} == {
        "versions", "settings", GRDF, "CouchDB", "staging", "Airflow", "accounts",
    }  # fmt: skip
    assert (code, bad(findings), SENT, list(tmp_path.iterdir())) == (0, [], [], [])
    reported = json.dumps(findings)
    assert not [each for each in installed.connections().values() if json.loads(each)["password"] in reported]
    assert "secret-room" not in reported


def test_a_prefix_without_a_dash_is_told_before_the_first_account(installed: LocalWorld, doctor: Doctor) -> None:
    for prefix, is_told in (("nov", True), ("nov-", False), ("cozy42/", False)):
        changed, *_ = connection(COUCH, "CouchDB", "", database_prefix=prefix)
        _, findings = doctor(**changed(installed))
        assert any("dash: novio-cozy-accounts" in each["says"] for each in findings) is is_told


def test_accounts_that_could_come_back_after_a_deletion(doctor: Doctor) -> None:
    """``./grdf couchdb setup`` has CouchDB compare revisions; cozy-stack, which may have made it, does not."""
    hook = CouchDBHook()
    rev = hook.require_success(hook.request("GET", ACCOUNT, COMPARES)).json()["_rev"]
    hook.require_success(hook.request("DELETE", ACCOUNT, COMPARES, query={"rev": rev}))
    _, findings = doctor()
    assert hook.create_database(ACCOUNT) == ["exists", "now compares revisions"]
    ((what, text),) = bad(findings)
    assert (what, "io-cozy-accounts does not compare revisions" in text) == ("CouchDB", True)


@pytest.mark.parametrize(
    ("address", "text"),
    [("nonsense-secretpw", "looked at: ValueError"),
     ("postgresql+psycopg2://a:secretpw@127.0.0.1:9/x", "the package psycopg2 is missing")],
)  # fmt: skip
def test_an_address_with_which_airflow_cannot_be_loaded(new_doctor: Doctor, address: str, text: str) -> None:
    code, findings = new_doctor(**{DATABASE: address})
    (found,) = [each for each in findings if each["state"] == "bad"]
    assert (code, found["what"], text in found["says"], "sql_alchemy_conn" in found["do"]) == (1, "Airflow", True, True)
    assert "secretpw" not in json.dumps(findings)


def test_a_database_that_is_none_of_airflow_s(new_doctor: Doctor, tmp_path: Path) -> None:
    file = tmp_path / "airflow.db"
    for content, code, text in ((None, 0, "no database here"), (b"nonsense" * 999, 1, "its database is damaged")):
        if content:
            file.write_bytes(content)
        ended, findings = new_doctor(**{DATABASE: f"sqlite:///{file}"})
        (reported,) = [each for each in findings if each["what"] == "Airflow" and each["state"] in ("bad", "unknown")]
        assert (ended, text in reported["says"], file.exists()) == (code, True, bool(content))


def test_a_silent_one_is_not_asked_for_each_connection(new_doctor: Doctor) -> None:
    with Drip(b"", b"", every=0.05) as server:
        address = f"postgresql+psycopg://a:secretpw@127.0.0.1:{server.port}/x"
        code, findings = new_doctor(**dict.fromkeys((DATABASE, f"{DATABASE}_ASYNC"), address), PGCONNECT_TIMEOUT="2")
    assert (code, [each["state"] for each in findings if each["what"] == "Airflow"]) == (0, ["unknown"])
    assert server.connections == 1
    assert "secretpw" not in json.dumps(findings)


FAST = 0.3
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (couchdb_checks, client_checks):
        monkeypatch.setattr(module, "TIMEOUT", (FAST, FAST))


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("first", [b"", HEAD], ids=["silent", "a body"])
def test_a_couchdb_that_is_silent_or_slow(installed: LocalWorld, doctor: Doctor, first: bytes) -> None:
    with Drip(first, b" " if first else b"", every=0.05) as server:
        changed, *_ = connection(COUCH, "CouchDB", "", host="127.0.0.1", port=server.port)
        code, findings = doctor(**changed(installed))
    found = {each["what"]: each for each in findings}
    reported, left_out = found["CouchDB"], found["accounts"]
    assert [part for part in ("no answer in time", "firewall") if part not in reported["says"] + reported["do"]] == []
    assert (code, left_out["state"], reported["state"]) == (1, "unknown", "bad")
    assert "because CouchDB cannot be read" in left_out["says"]
    assert (server.connections, server.requests) == (1, 1)


@pytest.mark.parametrize("body", ["[]", "<html>", '{"version": 1}'])
def test_what_is_no_couchdb(installed: LocalWorld, doctor: Doctor, body: str) -> None:
    server = Server(lambda _: Reply(body=body))
    with server.running():
        changed, *_ = connection(COUCH, "CouchDB", "", host=server.url, port=None)
        _, findings = doctor(**changed(installed))
    ((what, text),) = bad(findings)
    assert (what, f"what answers at {server.url} is no CouchDB" in text, len(server.heard)) == ("CouchDB", True, 1)


@pytest.mark.usefixtures("impatient")
def test_a_login_server_of_grdf_s_that_is_silent_is_asked_once(installed: LocalWorld, doctor: Doctor) -> None:
    with Drip(b"", b"", every=0.05) as server:
        changed, *_ = connection(ADICT, GRDF, "", token_url=f"http://127.0.0.1:{server.port}/token")
        _, findings = doctor(**changed(installed))
    assert [each["state"] for each in findings if each["what"] == GRDF and each["state"] != "look"] == ["ok", "bad"]
    assert server.requests == 1
