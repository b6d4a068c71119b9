"""Whatever GRDF answers to a declaration: nobody's name, address or meter number gets into a log, an error or XCom."""

from __future__ import annotations

import io
import json
import logging
import socket
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from grdf.hooks.adict import AdictHook
from include.gas.errors import GasError, RetryLater
from tests.helpers import context
from tests.leaving.runs import acquire
from tests.leaving.steps import delete
from tests.rights.declared import PERSON, TELLING, give, holds_person, waits
from tests.rights.scene import document

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

NAME, EMAIL = PERSON["name"], PERSON["email"]


def http(status: str, *headers: bytes, body: bytes = b"{}") -> bytes:
    lines = [b"HTTP/1.1 " + status.encode(), *headers, b"Content-Length: %d" % len(body), b"Connection: close"]
    return b"\r\n".join([*lines, b"", body])


def status(code: str, **more: object) -> bytes:
    return json.dumps({"code_statut_traitement": code, **more}).encode()


ECHOES = {
    "code": http("400 Bad", body=status(NAME)),
    "code of a 403": http("403 No", body=status(f"{NAME} 69000")),
    "code of a 201": http("201 Made", body=status(NAME)),
    "code of a 500": http("500 Oh", body=json.dumps({"statut_restitution": {"code": NAME, "message": EMAIL}}).encode()),
    "phone as code": http("400 Bad", body=status(PERSON["phone"])),
    "message": http("409 No", body=status("1000000005", message_retour_traitement=f"{NAME} {EMAIL}")),
    "page": http("502 Bad", b"Content-Type: text/html", body=f"<html>{NAME} {EMAIL}".encode()),
    "reason phrase": http(f"400 {NAME} {EMAIL}"),
    "address": http("302 Found", f"Location: http://127.0.0.1:9/?n={NAME}&e={EMAIL}".encode()),
    "IPv6 address": http("307 Temp", f"Location: http://[{NAME}]/x".encode()),
    "odd letters in an address": http("307 Temp", f"Location: http://{EMAIL}\u2100x/".encode()),
    "Latin-1 in an address": http("307 Temp", b"Location: http://a/?n=Durand-Invent\xe9"),
    "port": http("307 Temp", f"Location: http://a:{NAME}/".encode()),
    "status line": f"HTTP/1.1 {NAME} {EMAIL}\r\n\r\n".encode(),
    "length": f"HTTP/1.1 201 OK\r\nContent-Length: {NAME}\r\n\r\n{{}}".encode(),
    "chunk": f"HTTP/1.1 201 OK\r\nTransfer-Encoding: chunked\r\n\r\n{NAME} {EMAIL}\r\n".encode(),
    "id": http("201 Made", body=status("0000000002", id_droit_acces=f"{NAME} {EMAIL}\nAccount x: forged line")),
    "long id": http("201 Made", body=status("0000000002", id_droit_acces="A" * 200_000)),
}
"""Answers that repeat what was sent where nobody expects it."""


@contextmanager
def answering(raw: bytes, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let a server answer declarations with raw bytes."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                conn, _ = server.accept()
            except OSError:
                return
            with conn:
                conn.settimeout(2)
                got = b""
                while not got.rstrip().endswith(b"}"):
                    got += conn.recv(65_536) or b"}"
                conn.sendall(raw)

    threading.Thread(target=serve, daemon=True).start()
    base, real = f"http://127.0.0.1:{server.getsockname()[1]}/adict/v2", AdictHook.declare

    def declare(self: AdictHook, *given: Any, **more: Any) -> Any:
        self.listed_rights([], account="x")  # gets the token from GRDF's stand-in
        kept = self.oauth.facts
        self.oauth.__dict__["facts"] = replace(kept, api_base=base)
        try:
            return real(self, *given, **more)
        finally:
            self.oauth.__dict__["facts"] = kept

    with patch.context() as here:
        here.setattr(AdictHook, "declare", declare)
        yield
    server.close()


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """All log text with tracebacks."""
    stream, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(stream), root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.mark.parametrize("kind", ECHOES)
def test_nothing_that_grdf_echoes_is_repeated(
    clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch, logged: io.StringIO, kind: str
) -> None:
    pce = give(clean, account_id)
    with answering(ECHOES[kind], monkeypatch), pytest.raises((GasError, AirflowSkipException)) as caught:
        acquire(account_id, "scheduled")
    after = document(clean, account_id)
    rest = json.dumps({key: value for key, value in after.items() if key != "declaration"}, ensure_ascii=False)
    trace = "".join(traceback.format_exception(caught.value))
    for where in (logged.getvalue(), trace, rest.replace(pce, "")):
        assert not [each for each in (*TELLING, pce, "forged line") if each.lower() in where.lower()], where
    assert len(rest) < 10_000


def test_what_grdf_says_with_its_list_is_not_repeated(clean: LocalWorld, account_id: str, logged: io.StringIO) -> None:
    give(clean, account_id)
    clean.control.fault("/droit_acces$", method="PUT", cut=True, after=True)
    with pytest.raises(RetryLater):
        acquire(account_id, "scheduled")
    for code in (400, 200, 500):
        said = {"code_statut_traitement": "1000000077", "message_retour_traitement": f"droit de {NAME}, {EMAIL}"}
        clean.control.fault("/droits_acces$", method="POST", status=code, body=json.dumps(said))
        with pytest.raises(GasError) as caught:
            acquire(account_id, "scheduled")
        assert NAME not in str(caught.value) + logged.getvalue()
        assert "1000000077" in str(caught.value)


def test_couchdb_forgets_the_revision_that_named_the_person(clean: LocalWorld, account_id: str) -> None:
    """By the nightly run, and with a deletion."""
    from airflow.sdk import DAG

    from grdf.hooks.couchdb import CouchDBHook
    from grdf.operators.retention import RemoveOverdueOperator
    from include.gas.documents.doctypes import ACCOUNT

    def readable(revision: str) -> bool:
        answer = CouchDBHook().request("GET", ACCOUNT, f"/{account_id}", query={"rev": revision})
        return answer.ok and NAME in answer.text

    def forgotten(revision: str) -> bool:
        until = time.monotonic() + 60
        while readable(revision) and time.monotonic() < until:
            time.sleep(0.1)  # CouchDB compacts after it has answered
        return not readable(revision)

    give(clean, account_id)
    named = document(clean, account_id)["_rev"]
    clean.book.remove(account_id)
    waits(clean, account_id)
    with DAG("steps", schedule=None):
        operator = RemoveOverdueOperator(task_id="remove_overdue")
    operator.execute(context(datetime.now(UTC).date()))
    assert forgotten(named)
    assert holds_person(clean, account_id) == []
    give(clean, account_id, keep=True, postcode="75001")
    named = document(clean, account_id)["_rev"]
    assert readable(named)
    delete(account_id)
    assert forgotten(named)
