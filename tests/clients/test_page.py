"""The page connects each household with its account's client, and says which one that is."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from include.gas.errors import GasError
from include.sandbox.adict import identity
from tests.clients.scene import CLIENTS, SOUTH, USUAL, account_of, asked_by, document, own_right, right_of
from tests.connect.dance import asked, begin, consent, said, whole
from tests.connect.direct import entered, send, told
from tests.connect.links import link_for, path_of
from tests.helpers import holder, lose
from tests.leaving.runs import acquire

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld
    from tests.connect.site import Site


@pytest.fixture
def full(two: LocalWorld, account_id: str) -> str:
    """The account of the usual client, which has no room for another one."""
    account_of(two, account_id, USUAL, meters=9)
    two.control.clear_log()
    return account_id


@pytest.fixture
def new(account_id: str) -> str:
    """An account that does not exist yet."""
    return f"new-{450_000 + int(account_id.rpartition('-')[2])}"


def companies(world: LocalWorld, account: str) -> str:
    return str(right_of(world, account)["raison_sociale_du_tiers"])


def declare(account: str) -> None:
    """Execute the first run, after which the holder has to accept the right."""
    with pytest.raises(AirflowSkipException):
        acquire(account)


def test_the_direct_form(page: Site, two: LocalWorld, full: str, new: str) -> None:
    browser = page.browser("op")
    assert f"GRDF client: {SOUTH}" in said(browser.get(f"/connect/{new}")).text
    assert f"GRDF client: {USUAL}" in said(browser.get(f"/connect/{full}")).text
    assert send(browser, f"/connect/{new}", entered(new)).status_code == 303
    assert document(two, new)["grdf_connection"] == SOUTH
    declare(new)
    assert companies(two, new) == identity.SECOND.company
    assert asked_by(two) == {CLIENTS[SOUTH]}


def test_the_first_account_gets_the_usual_client(page: Site, two: LocalWorld, new: str) -> None:
    assert send(page.browser("op"), f"/connect/{new}", entered(new)).status_code == 303
    assert "grdf_connection" not in document(two, new)
    declare(new)
    assert companies(two, new) == identity.FIRST.company


def test_client_connect(page: Site, two: LocalWorld, full: str, new: str) -> None:
    browser = page.browser("op")
    address = begin(browser, new)
    assert asked(address)["client_id"] == CLIENTS[SOUTH]
    answer = browser.get(consent(address))
    assert answer.status_code == 303, answer.text
    acquire(new)
    found = document(two, new)
    assert found["grdf_connection"] == SOUTH
    assert own_right(two, new) == right_of(two, new)["id_droit_acces"]
    assert companies(two, new) == identity.SECOND.company
    codes = [call for call in two.control.log() if call["grant"] == "authorization_code"]
    assert {call["client_id"] for call in codes} == {CLIENTS[SOUTH]}


def test_an_account_connects_again_with_its_own_client(page: Site, two: LocalWorld, full: str, new: str) -> None:
    (pce,) = account_of(two, new, SOUTH)
    lose(two, pce)
    two.book.remove(full)  # the usual client has room again
    assert whole(page.browser("op"), new).status_code == 303
    acquire(new)
    assert document(two, new)["grdf_connection"] == SOUTH
    active = [each for each in two.control.consents() if each["etat_droit_acces"] == "Active"]
    assert [each["raison_sociale_du_tiers"] for each in active if each["id_pce"] == pce] == [identity.SECOND.company]


def test_an_account_that_became_another_client_s_meanwhile(page: Site, two: LocalWorld, full: str, new: str) -> None:
    browser = page.browser("op")
    address = begin(browser, new)
    account_of(two, new, USUAL)
    before = document(two, new)
    answer = browser.get(consent(address))
    assert answer.status_code == 409
    assert "connected in another way in the meantime" in said(answer).text
    assert document(two, new) == before


def test_a_code_for_the_other_client_is_refused(page: Site, two: LocalWorld, full: str, new: str) -> None:
    """Client, verifier and nonce are those of the attempt, so GRDF does not take another one's code."""
    browser = page.browser("op")
    back, other = (consent(begin(browser, account)) for account in (new, full))
    assert f"client_id={CLIENTS[SOUTH]}" in back
    assert f"client_id={CLIENTS[USUAL]}" in other
    own, theirs = (dict(parse_qsl(urlsplit(each).query)) for each in (back, other))
    answer = browser.get(f"{back.partition('?')[0]}?{urlencode(own | {'code': theirs['code']})}")
    assert answer.status_code == 400
    assert document(two, new) == {}


@pytest.mark.parametrize("over", [False, True])
def test_a_meter_that_the_other_client_s_account_has(
    page: Site, two: LocalWorld, full: str, new: str, over: bool
) -> None:
    """Whose it is decides the other client's list, not that of the client which the household has consented to."""
    (pce,) = holder(full).pces
    if over:
        lose(two, pce)
    browser = page.browser("op")
    answer = browser.get(consent(begin(browser, new), pces=[pce]))
    assert answer.status_code == 303, answer.text
    with nullcontext() if over else pytest.raises(AirflowSkipException):
        acquire(new)
    assert told(browser, answer)["state"] == ("accepted" if over else "taken")


def test_a_household_s_link(page: Site, two: LocalWorld, full: str, new: str) -> None:
    path, browser = path_of(link_for(page, new)), page.browser()
    start = browser.get(path)
    assert start.status_code == 200
    assert "GRDF client" not in said(start).text, "that is none of a household's business"
    address = begin(browser, new, path=path)
    assert asked(address)["client_id"] == CLIENTS[SOUTH]
    assert browser.get(consent(address)).status_code == 303
    assert document(two, new)["grdf_connection"] == SOUTH


def test_the_pages_name_the_client(page: Site, two: LocalWorld, full: str, new: str) -> None:
    account_of(two, new, SOUTH)
    browser = page.browser("op")
    text = said(browser.get("/")).text
    assert f"{new} Client: {SOUTH}" in text
    assert f"{full} Client: {USUAL}" in text
    assert f"Client: {SOUTH}" in said(browser.get(f"/accounts/{new}")).text


def test_an_account_of_no_client_says_so(page: Site, two: LocalWorld, full: str) -> None:
    two.book.save({**document(two, full), "grdf_connection": "grdf_nowhere"})
    answer = page.browser("op").get(f"/connect/{full}")
    assert answer.status_code == 409
    assert "grdf_nowhere" in said(answer).text
    two.book.save({**document(two, full), "grdf_connection": 7})
    listed = said(page.browser("op").get("/")).text
    assert "Client: not known yet" in listed
    assert holder(full).pces[0] not in listed


def test_a_wrong_setting_keeps_no_account_of_the_usual_client_out(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch, account_id: str, new: str
) -> None:
    from grdf.page.connect.connectable import connectable

    account_of(two, account_id, USUAL)
    account_of(two, new, SOUTH)
    assert [connectable(name)[1] for name in (account_id, new)] == [USUAL, SOUTH]
    monkeypatch.setenv("AIRFLOW__GRDF__CONNECTIONS", "grdf_adict; grdf_south")
    assert connectable(account_id)[1] == USUAL
    for name in (new, f"{new}-2"):
        with pytest.raises(GasError, match=r"\[grdf\] connections"):
            connectable(name)
