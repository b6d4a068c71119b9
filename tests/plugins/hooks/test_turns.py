"""A call takes its turn once the connection is open, and reports again if it was delayed after its turn came."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest

from grdf.hooks.http_calls import send_at_turn
from grdf.quota.governor import HELD_OPEN, NEAR, Governor
from grdf.quota.quota_store import QuotaStore
from grdf.quota.terms import Quota
from include.gas.errors import QuotaWait, ServiceUnavailable
from tests.plugins.clockwork import GRDF, NOON, Clockwork, call
from tests.plugins.drip import certificate_for

# ---- the turn, on a simulated clock ----------------------------------------------------------------------------------


def test_it_draws_near_then_waits_the_rest() -> None:
    clock = Clockwork()
    governor = clock.governor()
    for _ in range(3):
        call(governor)
    turn = governor.turn()
    assert clock.passed == pytest.approx(3 * GRDF.distance - NEAR)
    turn.take()
    assert clock.passed == pytest.approx(3 * GRDF.distance)


def test_who_is_held_up_goes_and_the_next_keeps_its_distance() -> None:
    clock = Clockwork()
    turn = clock.governor().turn()
    clock.now += 0.25  # a handshake
    turn.take()
    assert clock.now == NOON + 0.25, "nobody else went: it goes at once"
    call(clock.governor())
    assert clock.passed == pytest.approx(0.25 + GRDF.distance)


def test_who_was_held_up_until_another_went_waits_like_anybody() -> None:
    clock = Clockwork()
    turn = clock.governor().turn()
    clock.now += 1.5
    call(clock.governor())
    turn.take()
    assert clock.passed == pytest.approx(1.5 + GRDF.distance)


def test_a_machine_that_is_always_late_goes_in_the_end() -> None:
    clock = Clockwork()
    asked: list[float] = []

    def slow(key: str, change: object, update: Callable[..., object] = clock.update) -> object:
        result = update(key, change)
        asked.append(clock.now)
        clock.now += 0.2
        return result

    clock.update = slow  # type: ignore[assignment,method-assign]
    call(clock.governor())
    assert len(asked) == 4
    assert clock.passed == pytest.approx(0.8)


# ---- the adapter, over real connections ------------------------------------------------------------------------------


class Listener:
    """A server and proxy that records when a connection was opened and when the request arrived.

    :param folder: folder for its certificate
    """

    def __init__(self, folder: Path) -> None:
        self.certificate = certificate_for(folder)
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(self.certificate)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.stood: list[float] = []
        self.heard: list[tuple[float, bytes]] = []
        self.expects_tls = False

    def serve(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            Thread(target=self._answer, args=(client,), daemon=True).start()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _answer(self, client: socket.socket) -> None:
        with client:
            if self.expects_tls and client.recv(7, socket.MSG_PEEK) == b"CONNECT":
                client.recv(10_000)
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            with self._tls.wrap_socket(client, server_side=True) if self.expects_tls else client as stream:
                self.stood.append(time.monotonic())
                if said := stream.recv(10_000):
                    self.heard.append((time.monotonic(), said))
                    stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    server = Listener(tmp_path)
    thread = Thread(target=server.serve, daemon=True)
    thread.start()
    yield server
    server.close()
    thread.join(5)


@pytest.fixture
def governor(tmp_path: Path) -> Governor:
    return Governor(QuotaStore(f"sqlite:///{tmp_path / 'quota.db'}"), "client", Quota(1.0, 100))


@pytest.mark.filterwarnings("ignore:Unverified HTTPS")
@pytest.mark.parametrize(("scheme", "proxied"), [("http", False), ("https", False), ("http", True), ("https", True)])
def test_the_turn_is_taken_on_a_connection_that_stands(
    listener: Listener, governor: Governor, monkeypatch: pytest.MonkeyPatch, scheme: str, proxied: bool
) -> None:
    listener.expects_tls = scheme == "https"
    sleep = governor.sleep
    sent: list[datetime] = []
    connected: list[int] = []
    waited: list[datetime] = []

    def sleeping(seconds: float) -> None:
        for _ in range(1000):
            if len(listener.stood) < 2:
                time.sleep(0.01)
        connected.append(len(listener.stood))
        sleep(seconds)
        waited.append(datetime.now(UTC))

    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    if proxied:
        monkeypatch.setenv(f"{scheme}_proxy", f"http://127.0.0.1:{listener.port}")
    host = "grdf.example" if proxied else "localhost"
    for _ in range(2):
        url = f"{scheme}://{host}:{listener.port}/"
        turn = governor.turn()
        governor.sleep = sleeping
        answer, at = send_at_turn(turn, "GET", url, verify=False)
        governor.sleep = sleep
        assert answer.text == "ok"
        sent.append(at)
    (_, _), (_, said) = listener.heard
    assert said.startswith(b"GET http://" if proxied and scheme == "http" else b"GET / ")
    # By the sender's clock: on a busy machine the listener hears the first call late.
    assert sent[1] - sent[0] > timedelta(seconds=1), "the quota's second, for the second call too"
    assert connected, "the second call had to wait"
    assert set(connected) == {2}, "it was connected before it waited"
    assert sent[1] >= waited[-1], "it is sent after the wait, and says so"
    assert governor.left() == 98


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
    assert (len(listener.stood), len(listener.heard)) == (1, 0)
    assert governor.left() == 99


def test_a_call_without_a_connection_is_not_counted(governor: Governor) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        for _ in range(3):
            with pytest.raises(ServiceUnavailable):
                send_at_turn(governor.turn(), "GET", f"http://127.0.0.1:{closed.getsockname()[1]}/")
    assert governor.left() == 100
