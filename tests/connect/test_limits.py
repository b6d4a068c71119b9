"""The size and duration of requests are limited, on every route and before the login is checked."""

from __future__ import annotations

import contextlib
import socket
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psutil
import pytest

from tests.connect.dance import said
from tests.connect.route_table import TABLE

if TYPE_CHECKING:
    from tests.connect.site import Site

MIB = 2**20
POURED = 48 * MIB
"""Bytes that a test sends at most."""
IN_BETWEEN = 16 * MIB
"""Bytes that the system's buffers may hold, on both sides of a connection that nobody reads."""


class Answer:
    """The response of a server to raw bytes, and how many bytes it accepted.

    :param head: the request line and headers
    :param body: bytes to send repeatedly, up to :data:`POURED` or until the server closes the connection
    :param times: maximum number of repetitions
    :param pause: seconds between repetitions
    """

    def __init__(self, site: Site, head: str, body: bytes = b"", *, times: int = 1, pause: float = 0) -> None:
        address = urlsplit(site.url)
        self.taken, received = 0, b""
        started = time.monotonic()
        with socket.create_connection((address.hostname, address.port), timeout=12) as wire:
            wire.sendall(f"{head}\r\n\r\n".replace("\n", "\r\n").replace("\r\r", "\r").encode())
            with contextlib.suppress(OSError):  # the server has closed the connection, which is what the test checks
                for _ in range(times):
                    wire.sendall(body)
                    self.taken += len(body)
                    time.sleep(pause)
            with contextlib.suppress(ConnectionResetError, TimeoutError):
                while piece := wire.recv(65_536):
                    received += piece
        self.seconds = time.monotonic() - started
        head_part, _, self.text = received.decode().partition("\r\n\r\n")
        self.status = int(head_part.split()[1]) if head_part else 0
        self.closes = "connection: close" in head_part.lower()
        self.headers = head_part.lower()


def head(
    site: Site, method: str, path: str, *more: str, form: str = "Content-Type: application/x-www-form-urlencoded"
) -> str:
    address = urlsplit(site.url)
    return "\n".join([f"{method} {address.path}/grdf{path} HTTP/1.1", f"Host: {address.netloc}", form, *more])


def poured(site: Site, method: str, path: str, *more: str) -> Answer:
    """Send far more than any form of the page contains."""
    piece = b"a=" + b"x" * (MIB - 3) + b"&"  # Starlette refuses fields above 1 MiB, but accepts 1,000 of them
    length = f"Content-Length: {POURED}"
    return Answer(site, head(site, method, path, length, *more), piece, times=POURED // MIB)


def poured_in_chunks(site: Site, method: str, path: str) -> Answer:
    """Send the same without announcing its length."""
    piece = b"10000\r\n" + b"x" * 65_535 + b"&\r\n"
    return Answer(site, head(site, method, path, "Transfer-Encoding: chunked"), piece, times=POURED // 65_536)


@pytest.mark.parametrize("how", [poured, poured_in_chunks])
def test_what_is_larger_than_any_form_is_not_read(site: Site, how: type[Answer]) -> None:
    rows = [(row.method, row.path, row.anonymous) for row in TABLE.values()]
    for method, path, unread in (*rows, ("POST", "/nowhere", 404), ("PUT", "/callback", 405)):
        answer = how(site, method, path)
        assert answer.status in (413, unread), "a route that reads its body refuses it, others answer without it"
        assert answer.closes
        assert "content-security-policy" in answer.headers
        assert answer.taken < IN_BETWEEN


def test_files_have_a_limit_too(site: Site) -> None:
    login = f"Authorization: Bearer {site.token('op')}"
    piece = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    kind = "Content-Type: multipart/form-data; boundary=abc"
    for path in ("/import/upload", "/connect/nobody-yet/proofs/upload"):
        whole = head(site, "POST", path, login, "Transfer-Encoding: chunked", form=kind)
        start = b'--abc\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
        first = f"{len(start):x}\r\n".encode() + start + b"\r\n"
        answer = Answer(site, whole, first + piece * 16, times=POURED // (16 * 65_536))
        assert (answer.status, answer.closes) == (413, True)
        assert answer.taken < 2 * IN_BETWEEN


def test_the_server_does_not_grow(site: Site) -> None:
    (server,) = {
        each.pid
        for each in psutil.net_connections("tcp")
        if each.status == psutil.CONN_LISTEN and each.laddr.port == urlsplit(site.url).port
    }
    poured(site, "POST", "/nowhere")
    before = psutil.Process(server).memory_info().rss
    for _ in range(2):
        poured(site, "POST", "/connect/nobody-yet")
        poured_in_chunks(site, "POST", "/household?token=x")
    grown = psutil.Process(server).memory_info().rss - before
    assert grown < 12 * MIB, f"{grown / MIB:.0f} MiB more after 4 requests of {POURED // MIB} MiB"


@pytest.mark.parametrize("size", [0, 1, 16_384])
def test_what_a_form_may_hold_still_passes(site: Site, size: int) -> None:
    answer = site.browser().post("/connect/nobody-yet", data=b"x" * size)
    assert answer.status_code == 401
    in_pieces = site.browser().post("/connect/nobody-yet", data=(b"x" for _ in range(size // 100)))
    assert in_pieces.status_code == 401
    assert said(answer).title == "You are not logged in"


def test_who_drips_is_not_waited_for(site: Site) -> None:
    answer = Answer(site, head(site, "POST", "/import/remove", "Content-Length: 9000"), b"x", times=25, pause=0.5)
    assert (answer.status, answer.closes) == (408, True)
    assert answer.seconds < 20
