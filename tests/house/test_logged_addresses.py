"""The proxy's access log never shows GRDF's code or state, or a household's link.

It is a real nginx with ``deploy/nginx.conf``, on a port of its own and without a server behind it.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from posixpath import normpath
from urllib.parse import quote

import pytest

from include.sandbox.processes import Child, Processes, free_port
from tests.compose.certificates import Authority

CONF = Path(__file__).parents[2] / "deploy" / "nginx.conf"
PROGRAM = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")  # Debian's place is on the path of root alone
CODE, SEALED = "hush-hush", "gAAAAABhush-hush=="
ANSWERS = (
    f"?code={CODE}&state={SEALED}", f"?error=x&state={SEALED}", f";code={CODE};state={SEALED}",
    f"/code={CODE}&state={SEALED}", f"/{SEALED}&code={CODE}", f"\ncode={CODE}&state={SEALED}",
    f"\xff?code={CODE}&state={SEALED}", f"{SEALED}?code={CODE}",
)  # fmt: skip
"""What may follow a path, as GRDF sends it, and as programs that handle mail and people who copy it make of it."""
PLAIN = ("/grdf/callback", "/grdf/accounts/home-1", "/api/v2/dags/a/dagRuns/manual__2026-01-01T00:00:00+00:00", "/é")
"""Paths that are logged as they are."""


def encoded(text: str, times: int) -> str:
    """Return a text as it comes, with everything that a path cannot have encoded this often."""
    for _ in range(times):
        text = quote(text, safe="/;&=" if times == 1 else "/", encoding="latin-1")
    return text


TARGETS = [
    f"/grdf/{place}{encoded(answer, times)}"
    for place in ("callback", "household", "callback/./../household")
    for answer in ANSWERS
    for times in (1, 2, 5)
]
TARGETS += [target.replace("%3F", "%3f").replace("%3D", "%3d") for target in TARGETS if "%3F" in target]
TARGETS += [f"/grdf/callback?code={CODE}&state={SEALED}", f"/grdf/callback#code={CODE}", f"/{'x' * 3000}%3Fcode={CODE}"]
TARGETS += ["/gAA%41AABhush-hush", f"/grdf/callback%00%3Fcode={CODE}", f"/%ZZ={CODE}"]


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Child, int]]:
    """nginx with the project's file, of which only places are changed, and what an older one does not know."""
    if PROGRAM is None:
        pytest.skip("nginx is not installed (apt-get install nginx)")
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    Authority(folder).certify(folder, "127.0.0.1")
    text = CONF.read_text(encoding="utf-8")
    for here, there in (
        (" /tmp/", f" {folder}/"),
        ("/run/secrets/tls_certificate", f"{folder}/certificate.pem"),
        ("/run/secrets/tls_key", f"{folder}/key.pem"),
        ("listen 8443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        ("http2 on;", ""),
        ("http://airflow-apiserver:8080", f"http://127.0.0.1:{free_port()}"),
        ("worker_processes auto;", "worker_processes 1;"),
        ("worker_rlimit_nofile 65536;", ""),
        ("worker_connections 16384;", "worker_connections 64;"),
        ("rate=2r/s", "rate=10000r/s"),
        ("${OPERATORS}", "127.0.0.1/32"),
    ):
        assert here in text, here
        text = text.replace(here, there)
    (folder / "nginx.conf").write_text(text, encoding="utf-8")
    with Processes() as processes:
        command = [PROGRAM, "-c", folder / "nginx.conf", "-p", folder, "-e", "/dev/stderr", "-g", "daemon off;"]
        child = processes.start("nginx", command, log=folder / "nginx.log")
        await_port(child, port)
        yield child, port


def await_port(child: Child, port: int) -> None:
    until = time.monotonic() + 60
    while child.alive() and time.monotonic() < until:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 5):
            return
        time.sleep(0.05)
    raise AssertionError(child.tail())


def ask(port: int, target: str) -> None:
    """Send a request as it is, without a client's tidying."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), 30) as plain, context.wrap_socket(plain) as to:
        to.sendall(f"GET {target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode("latin-1"))
        assert to.recv(9) == b"HTTP/1.1 "


def logged(child: Child, count: int) -> list[str]:
    """Return the addresses in the access log, once it has this many; a refused request has none."""
    until = time.monotonic() + 60
    while len(found := re.findall(r"(?m)^127\.0\.0\.1 \[.+?\] GET (.*) \d{3} \d+ [\d.]+$", child.output())) < count:
        assert time.monotonic() < until, child.tail()
        time.sleep(0.05)
    return found


def as_nginx_writes(path: str) -> str:
    """Return a path tidied and escaped as nginx does it."""
    tidied = normpath(path) + ("/" if path.endswith("/") and path != "/" else "")
    return re.sub(r'[^ -~]|["\\\\]', lambda sign: f"\\x{ord(sign[0]):02X}", tidied)


def test_the_proxy_logs_no_secret(proxy: tuple[Child, int]) -> None:
    child, port = proxy
    before = len(logged(child, 0))
    targets = [*PLAIN, *TARGETS]
    for target in targets:
        ask(port, target)
    found = logged(child, before + len(targets))[before:]
    assert "hush-hush" not in child.output()
    assert found[: len(PLAIN)] == [as_nginx_writes(path) for path in PLAIN]
    assert found.count("") == 2, "nginx refuses these"
