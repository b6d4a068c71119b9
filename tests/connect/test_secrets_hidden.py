"""Airflow's own pages and logs never show a secret, and a household reads nothing of servers and settings."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import pytest
import structlog
import uvicorn

from grdf.page.connect.opener import Invitation
from grdf.page.connect.sealed_texts import seal
from grdf.provider.provider_info import SECRETS
from include.gas.errors import BadSettings
from include.sandbox.local_world import LocalWorld
from tests.connect.dance import begin, consent, problem, said
from tests.connect.site import SECRET, Site, airflow_app


def test_airflows_configuration_hides_the_secrets(front: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    words = {name: f"planted-{name.replace('_', '-')}" for name in SECRETS}
    for name, word in words.items():
        monkeypatch.setenv(f"AIRFLOW__GRDF__{name.upper()}", word)
    monkeypatch.setenv("AIRFLOW__API__EXPOSE_CONFIG", "True")
    for path in ("", *(f"/section/grdf/option/{name}" for name in SECRETS)):
        for accept in ("application/json", "text/plain"):
            url = f"{front.url}/api/v2/config{path}"
            answer = front.program("admin").get(url, headers={"Accept": accept})
            assert (answer.status_code, "< hidden >" in answer.text) == (200, True), answer.text
            assert [word for word in (*words.values(), SECRET) if word in answer.text] == []
            assert path or "household_links" in answer.text, "what is no secret is shown"


def test_airflows_default_is_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is public in Airflow's source, so anybody could seal a household's link with it."""
    monkeypatch.delenv("AIRFLOW__API__SECRET_KEY", raising=False)
    with pytest.raises(BadSettings, match="secret"):
        seal(Invitation("x", "home"))


@contextmanager
def listening() -> Iterator[tuple[str, int]]:
    server = uvicorn.Server(uvicorn.Config(airflow_app(), port=0, log_config=None, access_log=False, lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()
    server.should_exit = True
    thread.join(60)


WEBSOCKET = """Connection: Upgrade\r
Upgrade: websocket\r
Sec-WebSocket-Version: 13\r
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
"""


def test_no_log_holds_what_a_request_carries_wherever_it_lands_and_however_it_is_written(
    front: Site, account_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    link, sealed, pce = front.link_to(account_id).partition("=")[2], "gAAAA" + "x" * 60, "09900000000001"
    carried = f"code=beside-code&state={sealed}&token={link}&search={pce}"
    paths = ("/", "/callback", "/callback/", "/callback//", "/nowhere", "/callback/x", "/CALLBACK", "/accounts/x",
             "/%63allback/", "/household/", "/household/progress")  # fmt: skip
    targets = [f"{path}?{carried}" for path in paths] + [f"/callback?{carried}&{'x' * 20_000}", f"/x/{sealed}/y"]
    # What programs that handle mail make of a link, and people who copy it
    again = quote(f"?token={link}", safe="")
    targets += [f"/household{each}" for each in (again, quote(again), f"/token={link}")]
    targets += [f"/callback%3Fx%26{link}"]
    targets += ["/callback?%63ode=beside-code", "/callback%3Fcode=beside-code", "/callback;code=beside-code"]
    targets += [f"/callback%3Fx%26{link}"]
    caplog.clear()
    with structlog.testing.capture_logs() as access, listening() as (host, port):
        for target in targets:
            requests = [("GET", "Connection: close\r\n"), ("POST", "Content-Length: 0\r\n")]
            for method, more in requests + [("GET", WEBSOCKET)] * (len(target) < 8000):  # the most that it takes
                with socket.create_connection((host, port), 20) as to:
                    to.sendall(f"{method} /grdf{target} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n".encode())
                    assert to.recv(12).startswith(b"HTTP/1.1 ")
        last = f"looked-for-{account_id}"
        with socket.create_connection((host, port), 20) as to:
            to.sendall(f"GET /api/v2/dags?tags={last} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            while to.recv(65_536):
                pass
    log = "\n".join([str(access), *(each.getMessage() for each in caplog.records)])
    assert [each for each in (last, "/grdf/[hidden]", "/grdf/callback/") if each not in log] == []
    assert [secret for secret in ("beside-code", sealed, link, pce) if secret in log] == []


INTERNAL = ("http://", "127.0.0.1", "CouchDB", "connection", "[grdf]", "Airflow", "grdf_adict", "id_token", "DAG")


def test_a_household_is_told_nothing_of_servers_and_settings(
    front: Site, world: LocalWorld, account_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    path, browser = front.link_to(account_id), front.browser()
    back = consent(begin(browser, account_id, path=path))
    world.control.fault("access_token", status=401, body={"error": "invalid_client"})
    answers = [browser.get(back)]
    assert "invalid_client" in caplog.text, "but it is logged"
    world.control.set(id_token_claims={"iss": "https://evil.example"})
    answers.append(browser.get(consent(begin(browser, account_id, path=path))))
    world.control.set(id_token_claims={})
    world.book.save({"_id": account_id, "account_type": "another", "oauth": {}})
    answers += [browser.get(path), browser.post(path), front.browser("op").get(path)]
    for answer in answers:
        assert problem(answer) == (503, "our_side")
        assert [word for word in INTERNAL if word in said(answer).text] == []
