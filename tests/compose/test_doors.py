"""What each container may do and reach, and what the proxy lets in from outside."""

from __future__ import annotations

import os
import re
import socket
import ssl
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import requests
import yaml

from tests.compose.installation import ROOT, Installation

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())["services"]
RUNNING = sorted(name for name in COMPOSE if name not in ("airflow-init", "couchdb-setup"))
AIRFLOW = [name for name in RUNNING if name.startswith("airflow-")]

REACHED = {
    "postgres": {
        *("airflow-apiserver", "airflow-scheduler", "airflow-triggerer"),
        *("airflow-dag-processor", "airflow-account-processor"),
    },
    "redis": {"airflow-scheduler", "airflow-worker", "airflow-worker-deletion"},
    "couchdb": {"airflow-apiserver", "airflow-account-processor", "airflow-worker", "airflow-worker-deletion"},
}
"""Each server, with the services that reach it."""
PORTS = {"postgres": 5432, "redis": 6379, "couchdb": 5984}
TRY = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 5)"


@pytest.mark.parametrize("service", RUNNING)
def test_a_container_has_no_rights_to_spare(installation: Installation, service: str) -> None:
    what = installation.container(service)
    host = what["HostConfig"]
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert not host["Privileged"]
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert host["ReadonlyRootfs"] is (service != "couchdb")
    who = installation.inside(service, "id", "--user")
    assert who.stdout.strip() not in ("", "0"), who.stderr
    published = {each["HostIp"] for ports in (host["PortBindings"] or {}).values() for each in ports}
    assert published <= ({""} if service == "proxy" else {"127.0.0.1"})


@pytest.mark.parametrize("service", AIRFLOW)
def test_airflow_writes_nothing_but_its_two_folders(installation: Installation, service: str) -> None:
    tried = "for f in /opt/airflow/dags /opt/airflow/plugins /opt/airflow/include /opt/venv /etc /opt/airflow; do"
    done = installation.inside(service, "sh", "-c", f"{tried} touch $f/x 2>/dev/null && echo $f; done; true")
    assert (done.stdout, done.returncode) == ("", 0)
    owned = (
        "find /opt/airflow/dags /opt/airflow/plugins /opt/airflow/include /opt/venv -user airflow -o -writable -type f"
    )
    assert installation.inside(service, "sh", "-c", f"{owned} | head").stdout == ""


@pytest.mark.parametrize("server", REACHED)
def test_a_server_is_reached_by_those_that_need_it(installation: Installation, server: str) -> None:
    """By its name, and by its address, which somebody might know."""
    networks = installation.container(server)["NetworkSettings"]["Networks"].values()
    (address,) = [each["IPAddress"] for each in networks]
    for at in (server, address):
        reached = {
            name
            for name in AIRFLOW
            if installation.inside(name, "python3", "-c", TRY, at, str(PORTS[server])).returncode == 0
        }
        assert reached == REACHED[server], at


def test_a_server_has_no_way_out(installation: Installation) -> None:
    """``internal`` networks have no gateway: what would break into a server could send nothing away."""
    for server in REACHED:
        routes = installation.inside(server, "cat", "/proc/net/route").stdout.splitlines()[1:]
        assert "00000000" not in [line.split()[1] for line in routes], server


# ---- the proxy ----


@pytest.fixture
def outsider(installation: Installation) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.verify = str(installation.authority.certificate)
    return session


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/login", "/auth/login", "/auth/token", "/api/v2/dags", "/execution/", "/execution/health", "/docs"),
        *(
            "/grdf/",
            "/grdf/connect/",
            "/grdf/accounts/any",
            "/grdf/import/",
            "/grdf/static/",
            "/grdf/static/../connect/",
        ),
        *("/grdf/household/../connect/", "/grdf/callback/../../api/v2/version", "//grdf/connect/", "/grdf/householdx"),
        *("/grdf/household/%2e%2e/connect/", "/GRDF/connect/", "/grdf/callback%2f..%2f..%2fapi/v2/dags"),
        # What nginx tidies into a public path, and Airflow would get as it was sent
        *("/x/../grdf/household", "//grdf/household", "/auth/login/../../grdf/household", "/grdf//household"),
        *("/execution/variables/../../grdf/household/x", "/grdf/household/../../x/../grdf/household"),
        *("/grdf/household/./x", "/grdf/household/%2e%2e/household", "/api/v2/version/../../../grdf/static/x.css"),
    ],
)
def test_what_outsiders_do_not_need_does_not_exist(
    installation: Installation, outsider: requests.Session, path: str
) -> None:
    request = outsider.prepare_request(requests.Request("GET", installation.public))
    request.url = installation.public + path  # as it is, without the client's tidying
    answer = outsider.send(request, allow_redirects=False, timeout=60)
    assert answer.status_code in (400, 404), answer.text[:200]
    assert "airflow" not in answer.text.lower()


def test_what_a_household_needs_is_there(installation: Installation, outsider: requests.Session) -> None:
    """A link that is none is answered by the page, and the page's style sheet comes through."""
    page = outsider.get(f"{installation.public}/grdf/household?token=invented", timeout=60)
    assert (page.status_code, "<h1>" in page.text) == (404, True)
    style = re.search(r'href="([^"]*static/[^"]+\.css[^"]*)"', page.text)
    assert style
    sheet = outsider.get(f"{installation.public}/grdf/{style[1].partition('/grdf/')[2]}", timeout=60)
    assert sheet.ok
    assert sheet.headers["Content-Type"].startswith("text/css")
    assert outsider.get(f"{installation.public}/grdf/callback?code=x&state=y", timeout=60).status_code in (400, 401)
    for answer in (page, sheet):
        assert answer.headers["Strict-Transport-Security"] == "max-age=63072000"
        assert answer.headers["Server"] == "nginx"


def test_a_request_has_a_size(installation: Installation, outsider: requests.Session) -> None:
    address = f"{installation.public}/grdf/household?token=x"
    assert outsider.post(address, data=b"x" * 20_000, timeout=60).status_code == 413
    assert outsider.get(f"{address}{'y' * 20_000}", timeout=60).status_code == 414


def test_a_flood_is_refused_and_a_household_beside_it_is_not(
    installation: Installation, outsider: requests.Session
) -> None:
    address = f"{installation.public}/grdf/household?token=invented"
    statuses = [outsider.get(address, timeout=60).status_code for _ in range(10)]
    assert set(statuses) == {404}, "what a household sends"
    flood = [each.status_code for each in _at_once(outsider, address, 60)]
    assert flood.count(429) > 20


def _at_once(session: requests.Session, address: str, count: int) -> Iterator[requests.Response]:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(count) as threads:
        yield from threads.map(lambda _: session.get(address, timeout=60), range(count))


def test_no_log_holds_a_query_even_of_a_broken_request(installation: Installation, outsider: requests.Session) -> None:
    """nginx writes the request line beside errors: of a record that cannot be decrypted, for example."""
    context = ssl.create_default_context(cafile=str(installation.authority.certificate))
    with socket.create_connection(("127.0.0.1", installation.public_port), 30) as plain:
        tls = context.wrap_socket(plain, server_hostname="127.0.0.1")
        head = b"POST /grdf/callback?code=invented-code-1 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 50\r\n\r\n"
        tls.sendall(head)
        time.sleep(1)
        os.write(tls.fileno(), b"\x17\x03\x03\x00\x20" + os.urandom(32))
        time.sleep(1)
        tls.close()
    seal = "gAAAAAinvented-code-1=="
    for path in (f"household{mark}{seal}" for mark in ("%3Ftoken=", "/token=", "/", "&", "%0A", "%3F", "%253F", "")):
        outsider.get(f"{installation.public}/grdf/{path}", timeout=60)
    for mark, equals, beside in (
        ("%3F", "=", "&"),
        ("%3f", "%3D", "%26"),
        (";", "=", ";"),
        ("&", "=", "&"),
        ("%253F", "%253D", "%2526"),
    ):
        answer = f"{mark}code{equals}invented-code-1{beside}state{equals}{seal}"
        outsider.get(f"{installation.public}/grdf/callback{answer}", timeout=60)
    told = installation.compose("logs", "--no-color", "proxy")
    assert "POST /grdf/callback" in told, "the access log has it"
    assert told.count("GET /grdf/household") >= 3
    assert told.count("GET /grdf/callback[...]") >= 5
    assert "invented-code-1" not in told


def test_many_half_open_connections_keep_nobody_out(installation: Installation, outsider: requests.Session) -> None:
    """No limit of an address counts a handshake that never ends; there is room for many."""
    with ExitStack() as held:
        for _ in range(2500):
            half = held.enter_context(socket.create_connection(("127.0.0.1", installation.public_port), 30))
            half.sendall(b"\x16\x03\x01\x02\x00\x01")
        assert outsider.get(f"{installation.public}/grdf/household?token=invented", timeout=60).status_code == 404


def test_old_tls_is_refused(installation: Installation) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(installation.authority.certificate)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", installation.public_port), 30) as plain, pytest.raises(ssl.SSLError):
        context.wrap_socket(plain, server_hostname="127.0.0.1")


def test_operators_come_in_from_their_network(installation: Installation, outsider: requests.Session) -> None:
    """In this test everybody comes from the same address: Docker's own, on this machine."""
    (address,) = [each["Gateway"] for each in installation.container("proxy")["NetworkSettings"]["Networks"].values()]
    form = installation.folder / ".env"
    before = form.read_text(encoding="utf-8")
    try:
        form.write_text(before.replace("OPERATORS_NETWORK=", f"OPERATORS_NETWORK={address}/32"), encoding="utf-8")
        installation.compose("up", "--detach", "--no-build", "--no-deps", "--wait", "proxy")
        opened = outsider.get(f"{installation.public}/api/v2/version", timeout=60)
        assert opened.ok, opened.text
        assert outsider.get(f"{installation.public}/grdf/connect/", timeout=60).status_code == 401
        assert outsider.get(f"{installation.public}/execution/health", timeout=60).status_code == 404
        login = {"username": "admin", "password": installation.env["AIRFLOW_ADMIN_PASSWORD"]}
        told = outsider.post(f"{installation.public}/auth/token", json=login, timeout=60)
        assert told.ok
        assert "access_token" in told.json()
    finally:
        form.write_text(before, encoding="utf-8")
        installation.compose("up", "--detach", "--no-build", "--no-deps", "--wait", "proxy")
