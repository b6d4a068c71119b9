"""A call takes its turn once the connection is open, over real connections."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socketserver import ThreadingTCPServer
from threading import Thread
from typing import Any

import pytest

from grdf.hooks.http_calls import send_at_turn
from grdf.quota.call_terms import Quota
from grdf.quota.governor import HELD_OPEN, Governor
from grdf.quota.quota_store import QuotaStore
from include.gas.errors import QuotaWait, ServiceUnavailable
from tests.plugins.clockwork import call
from tests.plugins.drip import certificate_for

PACE = 1.0


class Listener(ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), None)  # type: ignore[arg-type]  # see finish_request
        self.tls: ssl.SSLContext | None = None
        self.certificate = certificate_for(folder)
        self.port, self.stood, self.heard = self.server_address[1], 0, list[bytes]()

    def expect_tls(self) -> None:
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(self.certificate)

    def finish_request(self, request: Any, _: object) -> None:
        if self.tls and request.recv(7, socket.MSG_PEEK) == b"CONNECT":
            request.recv(10_000)
            request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with self.tls.wrap_socket(request, server_side=True) if self.tls else request as stream:
            self.stood += 1
            if said := stream.recv(10_000):
                self.heard.append(said)
                stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    with Listener(tmp_path) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def governor(tmp_path: Path) -> Governor:
    return Governor(QuotaStore(f"sqlite:///{tmp_path / 'quota.db'}"), "client", Quota(PACE, 100))


@pytest.mark.filterwarnings("ignore:Unverified HTTPS")
@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("proxied", [False, True])
def test_the_turn_is_taken_on_a_connection_that_stands(
    listener: Listener, governor: Governor, monkeypatch: pytest.MonkeyPatch, scheme: str, proxied: bool
) -> None:
    if scheme == "https":
        listener.expect_tls()
    sleep, sent, connected, waited = governor.sleep, list[datetime](), list[int](), list[datetime]()

    def sleeping(seconds: float) -> None:
        for _ in range(1000):
            if listener.stood < 2:
                time.sleep(0.01)
        connected.append(listener.stood)
        sleep(seconds)
        waited.append(datetime.now(UTC))

    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    if proxied:
        monkeypatch.setenv(f"{scheme}_proxy", f"http://127.0.0.1:{listener.port}")
    url = f"{scheme}://{'grdf.example' if proxied else 'localhost'}:{listener.port}/"
    send_at_turn(governor.turn(), "GET", url, verify=False)  # a first call imports what it needs
    listener.stood, listener.heard = 0, []
    for sleeps in (sleep, sleeping):
        turn = governor.turn()
        governor.sleep = sleeps
        answer, at = send_at_turn(turn, "GET", url, verify=False)
        governor.sleep = sleep
        assert answer.text == "ok"
        sent.append(at)
    assert listener.heard[1].startswith(b"GET http://" if proxied and scheme == "http" else b"GET / ")
    # By the sender's clock: on a busy machine the listener hears the first call late.
    assert sent[1] - sent[0] > timedelta(seconds=1 / PACE), "the quota's distance, for the second call too"
    assert set(connected) == {2}, "it was connected before it waited"
    assert sent[1] >= waited[-1], "it is sent after the wait, at the noted time"
    assert governor.calls_left() == 97


def test_a_pause_while_it_waits_sends_nothing(listener: Listener, governor: Governor) -> None:
    call(governor)
    sleep = governor.sleep

    def sleeping(seconds: float) -> None:
        while not listener.stood:
            time.sleep(0.01)
        governor.after_call(429, 3 * HELD_OPEN)
        sleep(seconds)

    turn = governor.turn()
    governor.sleep = sleeping
    with pytest.raises(QuotaWait):
        send_at_turn(turn, "GET", f"http://127.0.0.1:{listener.port}/")
    assert (listener.stood, listener.heard, governor.calls_left()) == (1, [], 99)


def test_a_call_without_a_connection_is_not_counted(governor: Governor) -> None:
    for _ in range(3):
        with pytest.raises(ServiceUnavailable):
            send_at_turn(governor.turn(), "GET", "http://127.0.0.1:9/")
    assert governor.calls_left() == 100
