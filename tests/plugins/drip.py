"""A server that sends the first part of a response at once, and the rest one byte at a time, forever."""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socketserver import ThreadingTCPServer
from threading import Event, Thread
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Drip(ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, first: bytes, then: bytes, *, every: float, certificate: Path | None = None) -> None:
        super().__init__(("127.0.0.1", 0), None)  # type: ignore[arg-type]  # see finish_request
        self.gone = Event()
        self.connections = self.requests = 0
        self._first, self._then, self._every = first, then, every
        self._over, self._certificate = Event(), certificate
        self.port = self.server_address[1]
        self.url = f"http{'s' if certificate else ''}://localhost:{self.port}"

    def __enter__(self) -> Drip:
        Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.shutdown()
        self.server_close()

    def finish_request(self, request: Any, _: object) -> None:
        self.connections += 1
        request.settimeout(5)
        with suppress(OSError):  # the client may go, even before it has trusted the certificate
            if self._certificate:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(self._certificate)
                request = context.wrap_socket(request, server_side=True)
            with request:
                self._answer(request)
        self.gone.set()

    def _answer(self, connection: socket.socket) -> None:
        heard = b""
        while b"\r\n\r\n" not in heard:
            if not (piece := connection.recv(65536)):
                return
            heard += piece
        self.requests += 1
        connection.sendall(self._first)
        while True:
            for at in range(max(1, len(self._then))):
                if self._over.wait(self._every) or (not self._then and _is_closed(connection)):
                    return
                connection.sendall(self._then[at : at + 1])


def _is_closed(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1) == b""
    except (BlockingIOError, ssl.SSLWantReadError):
        return False
    finally:
        connection.settimeout(5)


def certificate_for(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / "server.pem"
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file
