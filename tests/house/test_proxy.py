"""The proxy: what it lets in from whom, how much of it, and that it logs neither GRDF's code nor a household's link."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from posixpath import normpath
from urllib.parse import quote

import pytest

from include.sandbox.processes import Child, Processes, free_port, port_is_free
from tests.certificates import Authority
from tests.helpers import wait

CONF = Path(__file__).parents[2] / "deploy" / "nginx.conf"
PROGRAM = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")  # Debian's place is on the path of root alone
PASSED_ON = 502
strangers = (f"127.0.{number // 250}.{number % 250 + 2}" for number in itertools.count(250))


class Proxy:
    def __init__(self, child: Child, port: int) -> None:
        self.child, self.port = child, port

    def open(self, source: str = "") -> ssl.SSLSocket:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        address, own = ("127.0.0.1", self.port), (source or next(strangers), 0)
        return context.wrap_socket(socket.create_connection(address, 30, own))

    def ask(self, target: str, source: str = "", *, body: int = 0) -> tuple[int, str]:
        with self.open(source) as to:
            head = f"{'POST' if body else 'GET'} {target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
            to.sendall(f"{head}Content-Length: {body}\r\n\r\n".encode("latin-1") + b"x" * body)
            answer = to.makefile("rb").read().decode("latin-1")
        return int(answer.split(" ")[1]), answer.partition("\r\n\r\n")[0]

    def logged(self, method: str, count: int) -> list[str]:
        line = re.compile(rf"(?m)^127\.[\d.]+ \[.+?\] {method} (.*) \d{{3}} \d+ [\d.]+$")
        wait(lambda: len(line.findall(self.child.output())) >= count, "lines", 60)
        return line.findall(self.child.output())


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    if PROGRAM is None:
        pytest.skip("nginx is not installed (apt-get install nginx)")
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    Authority(folder).certify(folder, "127.0.0.1")
    text = CONF.read_text(encoding="utf-8")
    for here, there in {
        " /tmp/": f" {folder}/", "/run/secrets/tls_certificate": f"{folder}/certificate.pem",
        "/run/secrets/tls_key": f"{folder}/key.pem", "listen 8443 ssl;": f"listen 127.0.0.1:{port} ssl;",
        "http2 on;": "", "http://airflow-apiserver:8080": f"http://127.0.0.1:{free_port()}",
        "worker_processes auto;": "",
    }.items():  # fmt: skip
        assert here in text, here
        text = text.replace(here, there)
    (folder / "nginx.conf").write_text(text, encoding="utf-8")
    command = [PROGRAM, "-c", folder / "nginx.conf", "-p", folder, "-e", "/dev/stderr", "-g", "daemon off;"]
    with Processes() as processes:
        child = processes.start("nginx", command, log=folder / "nginx.log")
        wait(lambda: not port_is_free(port) or not child.alive(), "server", 60)
        assert child.alive(), child.tail()
        yield Proxy(child, port)


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        *((f"/grdf/{path}", PASSED_ON) for path in ("household?token=x", "callback?code=x", "static/a.css")),
        *((path, 404) for path in ("/", "/login", "/auth/token", "/api/v2/dags", "/grdf/", "/execution/health")),
        *((f"/grdf/{path}", 404) for path in ("connect/", "static/", "householdx", "static/../connect/")),
        *((path, 404) for path in ("//grdf/connect/", "/GRDF/connect/", "/grdf/household/%2e%2e/connect/")),
        *((f"/grdf/callback{path}", 404) for path in ("/../../api/v2/version", "%2f..%2f..%2fapi/v2/dags")),
        # What nginx tidies into a public path, and Airflow would get as it was sent
        *((f"{path}/grdf/household", 404) for path in ("/x/..", "/", "/auth/login/../..", "/execution/x/../..")),
        *((f"/grdf/household/{path}", 404) for path in ("../../x/../grdf/household", "./x", "%2e%2e/household")),
        *((path, 404) for path in ("/grdf//household", "/api/v2/version/../../../grdf/static/x.css")),
    ],
)  # fmt: skip
def test_everybody_reaches_what_a_household_needs_and_nothing_else(proxy: Proxy, path: str, wanted: int) -> None:
    status, headers = proxy.ask(path)
    assert status == wanted
    assert "Strict-Transport-Security: max-age=63072000" in headers
    assert re.search(r"(?m)^Server: nginx\r?$", headers)


def test_a_request_has_a_size_and_an_address_a_share(proxy: Proxy) -> None:
    assert proxy.ask("/grdf/household?token=x", body=20_000)[0] == 413
    assert proxy.ask(f"/grdf/household?token={'y' * 20_000}")[0] == 414
    household, flood = next(strangers), next(strangers)
    assert {proxy.ask("/grdf/household?token=x", household)[0] for _ in range(10)} == {PASSED_ON}
    with ExitStack() as held:
        sent = [held.enter_context(proxy.open(flood)) for _ in range(39)]
        for each in sent:
            each.sendall(b"GET /grdf/household?token=x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        refused = [each for each in sent if each.recv(12) == b"HTTP/1.1 429"]
    assert 10 < len(refused) < 30, "of a burst, 20 have their turn"
    assert proxy.ask("/grdf/household?token=x")[0] == PASSED_ON, "others are not kept out"


def test_many_half_open_connections_keep_nobody_out(proxy: Proxy) -> None:
    """No limit of an address counts a handshake that never ends; there is room for many."""
    with ExitStack() as held:
        for _ in range(2500):
            half = held.enter_context(socket.create_connection(("127.0.0.1", proxy.port), 30))
            half.sendall(b"\x16\x03\x01\x02\x00\x01")
        assert proxy.ask("/grdf/household?token=x")[0] == PASSED_ON


CODE, SEALED = "hush-hush", "gAAAAABhush-hush=="
ANSWERS = (
    f"?code={CODE}&state={SEALED}", f"?error=x&state={SEALED}", f";code={CODE};state={SEALED}",
    f"/code={CODE}&state={SEALED}", f"/{SEALED}&code={CODE}", f"\ncode={CODE}&state={SEALED}",
    f"\xff?code={CODE}&state={SEALED}", f"{SEALED}?code={CODE}",
)  # fmt: skip
PLAIN = ("/grdf/callback", "/grdf/accounts/home-1", "/api/v2/dags/a/dagRuns/manual__2026-01-01T00:00:00+00:00", "/é")


def encoded(text: str, times: int) -> str:
    for _ in range(times):
        text = quote(text, safe="/;&=" if times == 1 else "/", encoding="latin-1")
    return text


TARGETS = [
    f"/grdf/{place}{encoded(answer, times)}"
    for place in ("callback", "household", "callback/./../household") for answer in ANSWERS for times in (1, 2, 5)
]  # fmt: skip
TARGETS += [target.replace("%3F", "%3f").replace("%3D", "%3d") for target in TARGETS if "%3F" in target]
TARGETS += [f"/grdf/callback?code={CODE}&state={SEALED}", f"/grdf/callback#code={CODE}", f"/{'x' * 3000}%3Fcode={CODE}"]
TARGETS += ["/gAA%41AABhush-hush", f"/grdf/callback%00%3Fcode={CODE}", f"/%ZZ={CODE}"]


def test_no_secret_is_logged(proxy: Proxy) -> None:
    before = len(proxy.logged("GET", 0))
    for target in (*PLAIN, *TARGETS):
        proxy.ask(target)
    found = proxy.logged("GET", before + len(PLAIN) + len(TARGETS))[before:]
    assert "hush-hush" not in proxy.child.output()
    # as nginx tidies and escapes a path
    escaped = [re.sub(r"[^ -~]", lambda sign: f"\\x{ord(sign[0]):02X}", normpath(path)) for path in PLAIN]
    assert found[: len(PLAIN)] == escaped
    assert found.count("") == 2, "nginx refuses these"


def test_nor_is_one_beside_an_error(proxy: Proxy) -> None:
    """nginx writes the request line beside errors: of a record that cannot be decrypted, for example."""
    before = len(proxy.logged("POST", 0))
    with proxy.open() as to:
        to.sendall(f"POST /grdf/callback?code={CODE} HTTP/1.1\r\nHost: h\r\nContent-Length: 50\r\n\r\n".encode())
        os.write(to.fileno(), b"\x17\x03\x03\x00\x20" + os.urandom(32))
        with pytest.raises(ssl.SSLError):
            to.recv(1)
    assert "/grdf/callback" in proxy.logged("POST", before + 1)
    assert "hush-hush" not in proxy.child.output()
