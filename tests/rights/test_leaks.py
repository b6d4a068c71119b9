"""No answer of GRDF to a declaration brings a name, an address or a meter number into a log, an error or XCom."""

from __future__ import annotations

import json
import logging
import socket
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from grdf.hooks.adict import AdictHook
from include.gas.errors import GasError, RetryLater
from include.sandbox.local_world import LocalWorld
from tests.leaving.runs import acquire
from tests.rights.declared import PERSON, TELLING, give
from tests.rights.scene import document

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


@contextmanager
def answering(raw: bytes, patch: pytest.MonkeyPatch) -> Iterator[None]:
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
    base, real = f"http://127.0.0.1:{server.getsockname()[1]}/adict/v2", AdictHook.declare_right

    def declare(self: AdictHook, *given: Any, **more: Any) -> Any:
        self.query_rights([], account="x")  # gets the token from GRDF's stand-in
        kept = self.oauth.facts
        self.oauth.__dict__["facts"] = replace(kept, api_base=base)
        try:
            return real(self, *given, **more)
        finally:
            self.oauth.__dict__["facts"] = kept

    with patch.context() as here:
        here.setattr(AdictHook, "declare_right", declare)
        yield
    server.close()


@pytest.mark.parametrize("kind", ECHOES)
def test_nothing_that_grdf_echoes_is_repeated(
    clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    caplog.set_level(logging.INFO)
    pce = give(clean, account_id)
    with answering(ECHOES[kind], monkeypatch), pytest.raises((GasError, AirflowSkipException)) as caught:
        acquire(account_id)
    after = document(clean, account_id)
    rest = json.dumps({key: value for key, value in after.items() if key != "declaration"}, ensure_ascii=False)
    trace = "".join(traceback.format_exception(caught.value))
    for where in (caplog.text, trace, rest.replace(pce, "")):
        assert not [each for each in (*TELLING, pce, "forged line") if each.lower() in where.lower()], where
    assert len(rest) < 10_000


def test_what_grdf_says_with_its_list_is_not_repeated(
    clean: LocalWorld, account_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    give(clean, account_id)
    clean.control.fault("/droit_acces$", method="PUT", cut=True, after=True)
    with pytest.raises(RetryLater):
        acquire(account_id)
    for code in (400, 200, 500):
        said = {"code_statut_traitement": "1000000077", "message_retour_traitement": f"droit de {NAME}, {EMAIL}"}
        clean.control.fault("/droits_acces$", method="POST", status=code, body=json.dumps(said))
        with pytest.raises(GasError, match="1000000077") as caught:
            acquire(account_id)
        assert NAME not in str(caught.value) + caplog.text
