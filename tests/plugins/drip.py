"""A server that sends the first part of a response at once, and the rest one byte at a time, forever."""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Drip:
    """A dripping server on a loopback port, running inside its block.

    :param first: what to send at once after each request
    :param then: what to send after that, one byte at a time, repeatedly
    :param every: seconds between two bytes
    :param times: how often to send ``then``; ``None`` for forever
    :param certificate: file with key and certificate, to use TLS
    """

    def __init__(
        self, first: bytes, then: bytes, *, every: float, times: int | None = None, certificate: Path | None = None
    ) -> None:
        self.certificate = certificate
        self.gone = Event()
        """Set once a client has closed its connection."""
        self.connections = 0
        self.requests = 0
        self._first, self._then, self._every, self._times = first, then, every, times
        self._over = Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(0.1)
        self.port = self._socket.getsockname()[1]
        self.url = f"http{'s' if certificate else ''}://localhost:{self.port}"
        self._threads = [Thread(target=self._listen, daemon=True)]

    def __enter__(self) -> Drip:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(5)
        self._socket.close()

    def _listen(self) -> None:
        while not self._over.is_set():
            with suppress(TimeoutError):
                connection, _ = self._socket.accept()
                self.connections += 1
                thread = Thread(target=self._serve, args=(connection,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(5)
        if self.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate)
            connection = context.wrap_socket(connection, server_side=True)
        with connection, suppress(OSError):
            while self._answered(connection):
                pass
        self.gone.set()

    def _answered(self, connection: socket.socket) -> bool:
        """Answer one request, and return whether another one may follow."""
        heard = b""
        while b"\r\n\r\n" not in heard:
            piece = connection.recv(65536)
            if not piece:
                return False
            heard += piece
        self.requests += 1
        if self._first:
            connection.sendall(self._first)
        times = 0
        while self._times is None or times < self._times:
            for at in range(max(1, len(self._then))):
                if self._over.wait(self._every):
                    return False
                if self._then:
                    connection.sendall(self._then[at : at + 1])
                elif _is_closed(connection):
                    return False
            times += 1
        return True


def _is_closed(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1) == b""
    except (BlockingIOError, ssl.SSLWantReadError):
        return False
    finally:
        connection.settimeout(5)


def certificate_for(folder: Path) -> Path:
    """Write a key and a certificate for ``localhost``, which only tests trust.

    :param folder: folder for the file
    """
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
