"""A household connects with a link, without a login. A link is sealed, and valid once, for days, for one account."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from grdf.page.connect.routes.household_page import Invitation
from grdf.page.connect.sealing import seal, unseal
from grdf.page.connect.shared_pages import page_address
from tests.connect.dance import begin, consent, said, stored_account
from tests.connect.links import link_for, path_of
from tests.connect.site import ANONYMOUS, ROLES, Site

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld


def test_an_operator_makes_a_link(front: Site, account_id: str) -> None:
    page = front.browser("op").get(f"/connect/{account_id}")
    assert f'action="/grdf/connect/{account_id}/link"' in page.text
    made = front.browser("op").post(f"/connect/{account_id}/link")
    assert said(made).title == f"A link for the household of account {account_id}"
    assert f"{front.url}/grdf/household?token=" in made.text
    link = link_for(front, account_id)
    assert account_id not in link
    (token,) = parse_qs(urlsplit(link).query)["token"]
    content = unseal("household link", token, dict[str, Any])
    assert content is not None
    assert content == {"id": content["id"], "account": account_id, "until": content["until"]}
    assert 6.9 < (content["until"] - time.time()) / 86_400 < 7.1


@pytest.mark.parametrize("end", ["/callback", "/callback/"])
def test_a_link_leads_to_the_page_however_grdf_leads_back(monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    fields = {
        "conn_type": "http",
        "login": "a",
        "password": "b",
        "extra": {"redirect_uri": f"https://a.example/grdf{end}"},
    }
    monkeypatch.setenv("AIRFLOW_CONN_GRDF_ADICT", json.dumps(fields))
    assert page_address() == "https://a.example/grdf"


@pytest.mark.parametrize("who", [ANONYMOUS, *ROLES])
def test_who_may_make_one_and_who_may_use_it(front: Site, account_id: str, who: str) -> None:
    made = {ANONYMOUS: 401, "viewer": 403, "user": 403, "op": 200, "admin": 200}
    assert front.browser(who).post(f"/connect/{account_id}/link").status_code == made[who]
    path = path_of(link_for(front, account_id))
    assert front.browser(who).get(path).status_code == 200
    assert front.browser(who).post(path).status_code == 303


def test_a_household_connects(front: Site, couchdb: CouchDBHook, account_id: str) -> None:
    path = path_of(link_for(front, account_id))
    browser = front.browser()
    browser.headers["Accept-Language"] = "fr"
    assert said(browser.get(path)).title == "Partager les relevés de votre compteur de gaz"
    page = browser.get(consent(begin(browser, account_id, path=path)))
    assert said(page).title == "Merci, c’est fait"
    assert "/dags/" not in page.text
    assert "/accounts/" not in page.text
    assert 'data-address="/grdf/household/done"' in page.text
    assert said(browser.get("/household/done")).title == "Merci, c’est fait"
    document = stored_account(couchdb, account_id)
    assert document is not None
    assert document["connected"]["by"] == "the household itself, with a link"


def test_a_link_works_once(front: Site, couchdb: CouchDBHook, account_id: str) -> None:
    path = path_of(link_for(front, account_id))
    one, two = front.browser(), front.browser()
    first, second = begin(one, account_id, path=path), begin(two, account_id, path=path)
    assert one.get(consent(first)).status_code == 200
    before = stored_account(couchdb, account_id)
    told = [said(each) for each in (two.get(consent(second)), two.get(path), two.post(path))]
    assert {(each.status, each.title) for each in told} == {(409, "This link has already been used")}
    assert stored_account(couchdb, account_id) == before


def test_a_link_stays_good_until_it_has_connected(
    front: Site, world: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    path = path_of(link_for(front, account_id))
    browser = front.browser()
    refused = browser.get(consent(begin(browser, account_id, path=path), accept=False))
    assert said(refused).title == "No consent was given"
    assert 'href="/grdf/household?token=' in refused.text
    world.control.set(code_lifetime_s=0)
    assert said(browser.get(consent(begin(browser, account_id, path=path)))).status == 400
    assert stored_account(couchdb, account_id) is None
    world.control.set(code_lifetime_s=60)
    back = consent(begin(browser, account_id, path=path))
    world.control.fault("access_token", status=503)
    told = said(browser.get(back, headers={"Accept-Language": "fr"}))
    assert (told.status, told.title) == (503, "Cela ne fonctionne pas pour le moment")
    assert "Rechargez cette page" in told.text
    assert [
        word for word in ("tried again automatically", "HTTP", "CouchDB", "access_token") if word in told.text
    ] == []
    log = (front.stack.home / "api-server.log").read_text(encoding="utf-8")
    assert f"Account {account_id}: asking for a token (authorization_code), GRDF answered HTTP 503" in log
    assert said(browser.get(back)).title == "Thank you, you are connected"
    assert said(browser.get(path)).title == "This link has already been used"


def test_links_that_are_none(front: Site, account_id: str) -> None:
    (token,) = parse_qs(urlsplit(link_for(front, account_id)).query)["token"]
    browser = front.browser()
    of_another_purpose = seal("state", {"id": "x", "account": account_id, "until": int(time.time()) + 60})
    for wrong in ("", "x", token[:-4], token[:-4] + "AAAA", of_another_purpose):
        for answer in (browser.get("/household", params={"token": wrong}), browser.post(f"/household?token={wrong}")):
            assert (said(answer).status, said(answer).title) == (404, "This link is not valid")
    over = seal("household link", {"id": "x", "account": account_id, "until": int(time.time()) - 1})
    assert said(browser.get(f"/household?token={over}")).title == "This link has expired"


def test_a_link_lets_into_nothing_else(front: Site, account_id: str) -> None:
    browser = front.browser()
    browser.post(path_of(link_for(front, account_id)))
    for path in ("/", f"/accounts/{account_id}", "/connect/", f"/connect/{account_id}", "/callback"):
        assert browser.get(path).status_code == 401


def test_the_answer_of_grdf_serves_the_households_browser_alone(
    front: Site, couchdb: CouchDBHook, account_id: str
) -> None:
    back = consent(begin(front.browser(), account_id, path=path_of(link_for(front, account_id))))
    for who in (ANONYMOUS, "op"):
        assert said(front.browser(who).get(back)).title.startswith("This was started by somebody else")
    assert stored_account(couchdb, account_id) is None


def test_an_operators_attempt_needs_the_operator(front: Site, account_id: str) -> None:
    browser = front.browser("op")
    back = consent(begin(browser, account_id))
    stranger = front.browser()
    stranger.cookies.update({name: value for name, value in browser.cookies.get_dict().items() if name != "_token"})
    assert stranger.get(back).status_code == 401


def test_where_they_are_switched_off(door: Site, front: Site, account_id: str) -> None:
    """Neither a link nor an attempt begun with it is valid there, although the secret is the same."""
    sealed = seal("household link", {"id": "x", "account": account_id, "until": int(time.time()) + 60})
    assert requests.get(f"{door.url}/grdf/household", params={"token": sealed}, timeout=60).status_code == 404
    browser = door.browser()
    path = f"/household?token={sealed}"
    for answer in (browser.get(path), browser.post(path), browser.get("/household/done")):
        assert (said(answer).status, said(answer).title) == (404, "This link is not valid")
        assert "Airflow" not in said(answer).text
    assert "link" not in said(door.browser("op").get(f"/connect/{account_id}")).text


def test_what_a_link_holds_is_checked(front: Site) -> None:
    odd = seal("household link", {"id": "x", "account": "a"})
    with pytest.raises(Exception, match="link_unknown"):
        Invitation.read(odd)
