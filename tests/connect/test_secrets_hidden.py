"""Airflow's own pages and logs never show a secret."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

import pytest
import requests

from grdf.page.connect.opener import Invitation
from grdf.page.connect.sealing import seal
from grdf.provider.provider_info import SECRETS
from include.gas.errors import BadSettings
from tests.connect.dance import asked, begin, consent, said
from tests.connect.links import link_for

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld
    from tests.connect.site import Site


def log_of(site: Site) -> str:
    return (site.stack.home / "api-server.log").read_text(encoding="utf-8")


@pytest.mark.parametrize("accept", ["application/json", "text/plain"])
@pytest.mark.parametrize("path", ["", *(f"/section/grdf/option/{name}" for name in SECRETS)])
def test_airflows_configuration_hides_the_secrets(open_site: Site, path: str, accept: str) -> None:
    url = f"{open_site.url}/api/v2/config{path}"
    answer = open_site.program("admin").get(url, headers={"Accept": accept}, timeout=60)
    assert answer.status_code == 200, answer.text
    assert "< hidden >" in answer.text
    words = ("a secret of the tests", "a-login-of-the-tests", "a-token-of-the-tests")
    assert [word for word in words if word in answer.text] == []
    if not path:
        assert "household_links" in answer.text, "what is no secret is shown"


def test_airflows_default_is_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is public in Airflow's source, so anybody could seal a household's link with it."""
    monkeypatch.delenv("AIRFLOW__API__SECRET_KEY", raising=False)
    with pytest.raises(BadSettings, match="there is no secret"):
        seal(Invitation("x", "home"))


def test_no_log_holds_what_grdf_has_sent_wherever_it_lands(front: Site, account_id: str) -> None:
    browser = front.browser("op")
    sent = asked(consent(begin(browser, account_id)))
    query = urlencode({"code": "wherever-code", "state": sent["state"], "iss": sent["iss"]})
    for path in ("/callback/", "/callback//", "/nowhere", "/callback/x", "/CALLBACK", "/accounts/x", "/%63allback/"):
        for method in ("GET", "POST"):
            front.browser().request(method, f"{path}?{query}")
    link = link_for(front, account_id).partition("=")[2]
    front.browser().get(f"/household/?token={link}&search=09900000000001")
    requests.post(f"{front.url}/grdf/callback?{query}", data=b"x" * 20_000, timeout=60)
    requests.get(f"{front.url}/grdf/callback?{query}&{'x' * 20_000}", timeout=60)
    log = log_of(front)
    assert "/grdf/callback/" in log
    secrets = ("wherever-code", sent["state"], link, "09900000000001")
    assert [secret for secret in secrets if secret in log] == []


WEBSOCKET = """Connection: Upgrade\r
Upgrade: websocket\r
Sec-WebSocket-Version: 13\r
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
"""


@pytest.mark.parametrize("upgrade", ["Connection: close\r\n", WEBSOCKET])
def test_no_log_holds_it_however_it_is_written(front: Site, account_id: str, upgrade: str) -> None:
    place = urlsplit(front.url)
    link = link_for(front, account_id).partition("=")[2]
    sealed = "gAAAA" + "x" * 60
    targets = [f"{path}?code=beside-code&state={sealed}" for path in ("/grdf/", "/grdf/callback", "/grdf/callback/x")]
    targets += [f"/grdf/household?token={link}", "/grdf/callback?%63ode=beside-code", f"/grdf/x/{sealed}/y"]
    # What programs that handle mail make of a link, and people who copy it
    targets += [f"/grdf/household%3F{name}{link}" for name in ("token=", "token%3D")]
    targets += [
        f"/grdf/household%253Ftoken%253D{link}",
        f"/grdf/household/token={link}",
        f"/grdf/callback%3Fx%26{link}",
    ]
    targets += ["/grdf/callback%3Fcode=beside-code", "/grdf/callback;code=beside-code"]
    for target in targets:
        with socket.create_connection((place.hostname, place.port), 10) as to:
            to.sendall(f"GET {target} HTTP/1.1\r\nHost: {place.netloc}\r\n{upgrade}\r\n".encode())
            assert to.recv(12).startswith(b"HTTP/1.1 ")
    last = f"looked-for-{account_id}"
    requests.get(f"{front.url}/api/v2/dags?state=running&tags={last}", timeout=60)
    for _ in range(100):  # requests are still logged, after the response
        if last in log_of(front):
            break
        time.sleep(0.1)
    log = log_of(front)
    assert last in log
    assert "/grdf/[hidden]" in log
    assert [secret for secret in ("beside-code", sealed, link) if secret in log] == []


def test_grdfs_answer_is_taken_with_a_slash_too(front: Site, account_id: str) -> None:
    """There is no redirect, which would send the code again."""
    browser = front.browser("op")
    back = consent(begin(browser, account_id)).replace("/callback?", "/callback/?")
    answer = browser.get(back)
    assert answer.status_code == 303
    assert answer.headers["Referrer-Policy"] == "strict-origin"


@pytest.mark.parametrize("path", ["/callback?code=x", "/household?token=x", "/household/progress?token=x"])
def test_no_other_request_says_that_it_comes_from_there(front: Site, path: str) -> None:
    assert front.browser("op").get(path).headers["Referrer-Policy"] == "strict-origin"


INTERNAL = ("http://", "127.0.0.1", "CouchDB", "connection", "[grdf]", "Airflow", "grdf_adict", "id_token", "DAG")


def untold(answer: requests.Response) -> None:
    told = said(answer)
    assert (told.status, told.title) == (503, "This cannot be done at the moment")
    assert [word for word in INTERNAL if word in told.text] == []


def test_a_household_is_told_nothing_of_servers_and_settings(front: Site, world: LocalWorld, account_id: str) -> None:
    path = "/household?token=" + link_for(front, account_id).partition("=")[2]
    browser = front.browser()
    back = consent(begin(browser, account_id, path=path))
    world.control.fault("access_token", status=401, body={"error": "invalid_client"})
    untold(browser.get(back))
    assert "GRDF does not accept" in log_of(front) or "invalid_client" in log_of(front)
    world.control.set(id_token_claims={"iss": "https://evil.example"})
    untold(browser.get(consent(begin(browser, account_id, path=path))))
    world.control.set(id_token_claims={})
    world.book.save({"_id": account_id, "account_type": "another", "oauth": {}})
    for answer in (browser.get(path), browser.post(path)):
        untold(answer)
