"""Responses that do not end or are far larger than they look, over real sockets."""

from __future__ import annotations

import gzip
import socket
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Event, Thread

import pytest
import requests

from grdf.hooks.http_calls import LimitedAdapter, TooLarge, TooLate, no_answer
from tests.plugins.drip import Drip, certificate_for

SECONDS = 0.6
HEAD = b"HTTP/1.1 200 OK\r\n"
BODY = b"Content-Type: text/plain\r\nContent-Length: 100000\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def drip() -> Iterator[Callable[..., Drip]]:
    """A function that starts servers which send a first part at once and the rest one byte at a time, forever."""
    with ExitStack() as stack:
        yield lambda *args, **options: stack.enter_context(Drip(*args, **options))


def session(most: int = 1_000_000, seconds: float = SECONDS) -> requests.Session:
    made = requests.Session()
    made.trust_env = False
    for scheme in ("http://", "https://"):
        made.mount(scheme, LimitedAdapter(seconds=seconds, most=most))
    return made


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (HEAD + BODY, b"a"),
        (HEAD + b"\r\n", b"a"),
        (HEAD + CHUNKED, b"1\r\na\r\n"),
    ],
    ids=["length", "until closed", "chunks"],
)
@pytest.mark.parametrize("tls", [False, True])
def test_an_answer_that_drips_ends_in_time(
    drip: Callable[..., Drip], tmp_path: Path, first: bytes, then: bytes, tls: bool
) -> None:
    server = drip(first, then, every=0.02, certificate=certificate_for(tmp_path) if tls else None)
    with session() as asking:
        asking.verify = str(server.certificate) if server.certificate else True
        began = time.monotonic()
        with pytest.raises(TooLate, match=r"did not arrive in full within 0.6 s") as caught:
            asking.get(server.url, timeout=(5, 5))
        assert SECONDS - 0.1 < time.monotonic() - began < SECONDS + 2
        assert "answer (its answer did not arrive in full within 0.6 s)" in str(no_answer("GRDF", caught.value))
        assert server.gone.wait(5), "the connection is closed"


class Giver:
    """A server that sends one response and records how much of it was read."""

    def __init__(self, headers: str, body: bytes) -> None:
        self.answer = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body
        self.sent = 0
        self.done = Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/"
        self._thread = Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Giver:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def _serve(self) -> None:
        connection, _ = self._socket.accept()
        with connection:
            connection.recv(65536)
            try:
                while self.sent < len(self.answer):
                    self.sent += connection.send(self.answer[self.sent : self.sent + 65536])
            except OSError:
                pass
        self.done.set()


def packed(encoding: str, size: int) -> bytes:
    zeros = bytes(size)
    raw = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    made = {
        "gzip": lambda: gzip.compress(zeros),
        "deflate": lambda: zlib.compress(zeros),
        "raw deflate": lambda: raw.compress(zeros) + raw.flush(),
        "gzip, gzip": lambda: gzip.compress(gzip.compress(zeros)),
    }
    return made[encoding]()


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "raw deflate", "gzip, gzip"])
def test_what_unpacks_to_more_than_is_read_is_refused(encoding: str) -> None:
    body = packed(encoding, 3_000_000)
    header = f"Content-Encoding: {encoding.removeprefix('raw ')}\r\n"
    asking = session(most=2_000_000, seconds=30)
    with asking, Giver(header, body) as server, pytest.raises(TooLarge, match=r"larger than 2 MB"):
        asking.get(server.url, timeout=30)
    with Giver(header, body) as server, session(most=3_000_000, seconds=30) as asking:
        assert asking.get(server.url, timeout=30).content == bytes(3_000_000)


def test_what_is_too_large_is_not_read_to_its_end() -> None:
    with Giver("", bytes(200_000_000)) as server, session(most=1_000_000, seconds=60) as asking:
        with pytest.raises(TooLarge):
            asking.get(server.url, timeout=30)
        assert server.done.wait(10)
        assert server.sent < 50_000_000
