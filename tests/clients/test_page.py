"""The page connects each household with its account's client, and names it."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from include.sandbox.local_world import LocalWorld
from tests.clients.scene import (
    CLIENTS,
    SOUTH,
    USUAL,
    account_of,
    asked_by,
    declared_by,
    document,
    own_right,
    right_of,
)
from tests.connect.dance import asked, begin, consent, said
from tests.connect.direct import entered, send
from tests.connect.site import Site
from tests.helpers import holder
from tests.leaving.runs import acquire


@pytest.fixture
def full(two: LocalWorld, account_id: str) -> str:
    account_of(two, account_id, USUAL, meters=9)
    two.control.clear_log()
    return account_id


def test_the_direct_form(page: Site, two: LocalWorld, account_id: str, other: str) -> None:
    browser = page.browser("admin")
    assert send(browser, f"/connect/{account_id}", entered(account_id)).status_code == 303
    with pytest.raises(AirflowSkipException):
        acquire(account_id)  # then the holder has to accept the right
    assert "grdf_connection" not in document(two, account_id)
    assert declared_by(two, *holder(account_id).pces) == [USUAL], "the first account gets the usual client"
    account_of(two, f"full-{470_000 + int(account_id[-5:])}", USUAL, meters=9)
    assert f"GRDF client: {SOUTH}" in said(browser.get(f"/connect/{other}")).text
    assert f"GRDF client: {USUAL}" in said(browser.get(f"/connect/{account_id}")).text
    two.control.clear_log()
    assert send(browser, f"/connect/{other}", entered(other)).status_code == 303
    assert document(two, other)["grdf_connection"] == SOUTH
    with pytest.raises(AirflowSkipException):
        acquire(other)
    assert declared_by(two, *holder(other).pces) == [SOUTH]
    assert asked_by(two) == {CLIENTS[SOUTH]}


@pytest.mark.parametrize("way", ["operator", "link"])
def test_on_grdf_s_site(page: Site, two: LocalWorld, full: str, other: str, way: str) -> None:
    browser, path = page.browser("admin" if way == "operator" else "anonymous"), ""
    if way == "link":
        path = page.link_to(other)
        start = browser.get(path)
        assert start.status_code == 200
        assert "GRDF client" not in said(start).text, "that is none of a household's business"
    address = begin(browser, other, path=path)
    assert asked(address)["client_id"] == CLIENTS[SOUTH]
    answer = browser.get(consent(address))
    assert answer.status_code == 303, answer.text
    acquire(other)
    assert document(two, other)["grdf_connection"] == SOUTH
    assert own_right(two, other) == right_of(two, other)["id_droit_acces"]
    assert declared_by(two, *holder(other).pces) == [SOUTH]
    codes = [call for call in two.control.log() if call["grant"] == "authorization_code"]
    assert {call["client_id"] for call in codes} == {CLIENTS[SOUTH]}


def test_what_came_of_another_attempt_is_refused(page: Site, two: LocalWorld, full: str, other: str) -> None:
    browser = page.browser("admin")
    back, theirs = (consent(begin(browser, account)) for account in (other, full))
    assert f"client_id={CLIENTS[SOUTH]}" in back
    assert f"client_id={CLIENTS[USUAL]}" in theirs
    query = dict(parse_qsl(urlsplit(back).query)) | {"code": dict(parse_qsl(urlsplit(theirs).query))["code"]}
    assert browser.get(f"{back.partition('?')[0]}?{urlencode(query)}").status_code == 400
    assert document(two, other) == {}
    address = begin(browser, other)
    account_of(two, other, USUAL)
    before = document(two, other)
    answer = browser.get(consent(address))
    assert (answer.status_code, document(two, other)) == (409, before), "it is another client's meanwhile"


def test_the_pages_name_the_client(page: Site, two: LocalWorld, full: str, other: str) -> None:
    account_of(two, other, SOUTH)
    browser = page.browser("admin")
    text = said(browser.get("/")).text
    assert f"{other} Client: {SOUTH}" in text
    assert f"{full} Client: {USUAL}" in text
    assert f"Client: {SOUTH}" in said(browser.get(f"/accounts/{other}")).text
    two.book.save({**document(two, full), "grdf_connection": "grdf_nowhere"})
    answer = browser.get(f"/connect/{full}")
    assert (answer.status_code, "grdf_nowhere" in said(answer).text) == (409, True)
    two.book.save({**document(two, full), "grdf_connection": 7})
    listed = said(browser.get("/")).text
    assert "Client: not known yet" in listed
    assert holder(full).pces[0] not in listed
