"""The page connects each household with its account's client, and says which one that is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from airflow.sdk.exceptions import AirflowSkipException
from fastapi.testclient import TestClient

from tests.clients.scene import (
    CLIENTS,
    SOUTH,
    USUAL,
    account_of,
    asked_by,
    connections,
    declared_by,
    document,
    own_right,
    right_of,
    with_extra,
)
from tests.connect.dance import asked, consent, names, said
from tests.connect.direct import entered, fields_of
from tests.helpers import holder
from tests.leaving.runs import acquire

if TYPE_CHECKING:
    from pathlib import Path

    from include.sandbox.local_world import LocalWorld

ORIGIN = "http://127.0.0.1:8080"


class Browser(TestClient):
    """A browser, in which an operator is logged in or nobody."""

    def at(self, method: str, path: str, **options: Any) -> Any:
        """Ask for a page of ours, or for an address to which GRDF has sent back."""
        headers = {"Accept": "text/html", "Accept-Language": "en", "Sec-Fetch-Site": "same-origin"}
        headers |= options.pop("headers", {})
        address = f"/grdf{path}" if path.startswith("/") else path
        return self.request(method, address, headers=headers, **options)

    def begin(self, account: str, path: str = "") -> str:
        """Press the button, and return the address at GRDF."""
        answer = self.at("POST", path or f"/connect/{account}", data=names(account))
        assert answer.status_code == 303, answer.text
        return str(answer.headers["Location"])

    def send_form(self, account: str) -> int:
        """Fill in the direct form, and press "Send" on its summary. Return the status of the answer."""
        path = f"/connect/{account}"
        summary = self.at("POST", path, data=entered(account) | {"step": "check"})
        return int(self.at("POST", path, data=fields_of(summary) | {"step": "send"}).status_code)


@pytest.fixture(scope="module")
def app(airflow_home: Path) -> Any:
    from grdf.page.app import create_app

    return create_app()


@pytest.fixture
def page(app: Any, two: LocalWorld, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What opens a browser on the page, for an operator or for nobody, and lets GRDF send households back to it."""
    from airflow.api_fastapi.app import init_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    back = f"{ORIGIN}/grdf/callback"
    two.control.set(redirect_uris=[back])
    # Eight meters are all that the usual client has room for (five sixths of ten calls a day).
    monkeypatch.setenv("AIRFLOW_CONN_GRDF_ADICT", two.connections(redirect_uri=back)["AIRFLOW_CONN_GRDF_ADICT"])
    monkeypatch.setenv(*with_extra(USUAL, calls_per_day=10))
    for name, value in connections(two, redirect_uri=back).items():
        monkeypatch.setenv(name, value)
    for name, value in (
        ("GRDF__HOUSEHOLD_LINKS", "True"), ("API__SECRET_KEY", "a secret of the tests"),
        ("API_AUTH__JWT_SECRET", "a secret of the tests, invented, " * 3),
        ("CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS", "True"),
    ):  # fmt: skip
        monkeypatch.setenv(f"AIRFLOW__{name}", value)
    token = init_auth_manager().generate_jwt(SimpleAuthManagerUser(username="operator", role="admin"))

    def browser(*, is_operator: bool = True) -> Browser:
        made = Browser(app, ORIGIN, root_path="/grdf", follow_redirects=False)
        if is_operator:
            made.headers["Authorization"] = f"Bearer {token}"
        return made

    return browser


@pytest.fixture
def full(two: LocalWorld, account_id: str) -> str:
    """The account of the usual client, which has no room for another one."""
    account_of(two, account_id, USUAL, meters=9)
    two.control.clear_log()
    return account_id


def test_the_direct_form(page: Any, two: LocalWorld, account_id: str, other: str) -> None:
    browser = page()
    assert browser.send_form(account_id) == 303
    with pytest.raises(AirflowSkipException):
        acquire(account_id)  # then the holder has to accept the right
    assert "grdf_connection" not in document(two, account_id)
    assert declared_by(two, *holder(account_id).pces) == [USUAL], "the first account gets the usual client"
    account_of(two, f"full-{470_000 + int(account_id[-5:])}", USUAL, meters=9)
    assert f"GRDF client: {SOUTH}" in said(browser.at("GET", f"/connect/{other}")).text
    assert f"GRDF client: {USUAL}" in said(browser.at("GET", f"/connect/{account_id}")).text
    two.control.clear_log()
    assert browser.send_form(other) == 303
    assert document(two, other)["grdf_connection"] == SOUTH
    with pytest.raises(AirflowSkipException):
        acquire(other)
    assert declared_by(two, *holder(other).pces) == [SOUTH]
    assert asked_by(two) == {CLIENTS[SOUTH]}


@pytest.mark.parametrize("way", ["operator", "link"])
def test_on_grdf_s_site(page: Any, two: LocalWorld, full: str, other: str, way: str) -> None:
    browser, path = page(is_operator=way == "operator"), ""
    if way == "link":
        told = page().at("POST", f"/connect/{other}/link", headers={"Accept": "application/json"})
        path = "/household?" + urlsplit(told.json()["link"]).query
        start = browser.at("GET", path)
        assert start.status_code == 200
        assert "GRDF client" not in said(start).text, "that is none of a household's business"
    address = browser.begin(other, path)
    assert asked(address)["client_id"] == CLIENTS[SOUTH]
    answer = browser.at("GET", consent(address))
    assert answer.status_code == 303, answer.text
    acquire(other)
    assert document(two, other)["grdf_connection"] == SOUTH
    assert own_right(two, other) == right_of(two, other)["id_droit_acces"]
    assert declared_by(two, *holder(other).pces) == [SOUTH]
    codes = [call for call in two.control.log() if call["grant"] == "authorization_code"]
    assert {call["client_id"] for call in codes} == {CLIENTS[SOUTH]}


def test_what_came_of_another_attempt_is_refused(page: Any, two: LocalWorld, full: str, other: str) -> None:
    """Client, verifier and nonce are those of the attempt, so GRDF does not take another one's code."""
    browser = page()
    back, theirs = (consent(browser.begin(account)) for account in (other, full))
    assert f"client_id={CLIENTS[SOUTH]}" in back
    assert f"client_id={CLIENTS[USUAL]}" in theirs
    query = dict(parse_qsl(urlsplit(back).query)) | {"code": dict(parse_qsl(urlsplit(theirs).query))["code"]}
    assert browser.at("GET", f"{back.partition('?')[0]}?{urlencode(query)}").status_code == 400
    assert document(two, other) == {}
    address = browser.begin(other)
    account_of(two, other, USUAL)
    before = document(two, other)
    answer = browser.at("GET", consent(address))
    assert (answer.status_code, document(two, other)) == (409, before), "it is another client's meanwhile"


def test_the_pages_name_the_client(page: Any, two: LocalWorld, full: str, other: str) -> None:
    account_of(two, other, SOUTH)
    browser = page()
    text = said(browser.at("GET", "/")).text
    assert f"{other} Client: {SOUTH}" in text
    assert f"{full} Client: {USUAL}" in text
    assert f"Client: {SOUTH}" in said(browser.at("GET", f"/accounts/{other}")).text
    two.book.save({**document(two, full), "grdf_connection": "grdf_nowhere"})
    answer = browser.at("GET", f"/connect/{full}")
    assert (answer.status_code, "grdf_nowhere" in said(answer).text) == (409, True)
    two.book.save({**document(two, full), "grdf_connection": 7})
    listed = said(browser.at("GET", "/")).text
    assert "Client: not known yet" in listed
    assert holder(full).pces[0] not in listed
