"""A household's link can be taken back, does not survive a deletion, and reveals nothing about earlier households."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
import requests

from grdf.hooks.couchdb import CouchDBHook
from grdf.hooks.oauth import GrdfOAuthHook
from grdf.page.connect import exchange as connecting
from grdf.page.connect.attempt import Attempt, Link
from grdf.stores.household_links import TRIES, HouseholdLinks, link_document
from include.gas.account.connected import login_hint
from include.gas.documents.doctypes import ACCOUNT, CONNECT
from tests.connect.dance import asked, begin, consent, names, said, stored_account
from tests.connect.links import link_for, path_of
from tests.connect.site import Site
from tests.helpers import holder, known_account
from tests.leaving.steps import delete

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

VOID = (410, "This link is no longer valid")


def take_back(site: Site, account: str, who: str = "op") -> requests.Response:
    return site.program(who).post(f"{site.url}/grdf/connect/{account}/link/take-back", timeout=60)


def void(answer: requests.Response) -> bool:
    return (said(answer).status, said(answer).title) == VOID


def test_a_new_link_takes_the_place_of_the_old_one(front: Site, couchdb: CouchDBHook, account_id: str) -> None:
    old = path_of(link_for(front, account_id))
    browser = front.browser()
    back = consent(begin(browser, account_id, path=old))
    new = path_of(link_for(front, account_id))
    assert void(browser.get(old))
    assert void(browser.post(old))
    assert void(browser.get(back)), "what was begun with it ends"
    assert stored_account(couchdb, account_id) is None
    assert browser.get(consent(begin(browser, account_id, path=new))).status_code == 200


def test_it_is_taken_back_by_a_program(front: Site, couchdb: CouchDBHook, account_id: str) -> None:
    path = path_of(link_for(front, account_id))
    browser = front.browser()
    back = consent(begin(browser, account_id, path=path))
    assert take_back(front, account_id).json() == {"account": account_id, "taken_back": True}
    assert take_back(front, account_id).json() == {"account": account_id, "taken_back": False}
    assert all(void(answer) for answer in (browser.get(path), browser.post(path), browser.get(back)))
    assert stored_account(couchdb, account_id) is None


def test_it_is_taken_back_by_a_button(front: Site, account_id: str) -> None:
    browser = front.browser("op")
    assert "There is no valid link." in said(browser.get(f"/connect/{account_id}")).text
    made = browser.post(f"/connect/{account_id}/link")
    button = f'action="/grdf/connect/{account_id}/link/take-back"'
    assert button in made.text
    page = browser.get(f"/connect/{account_id}")
    assert button in page.text
    assert "A link is valid until" in said(page).text
    answer = browser.post(f"/connect/{account_id}/link/take-back")
    assert said(answer).title == f"There is no valid link for account {account_id} now"
    assert f'href="/grdf/connect/{account_id}"' in answer.text
    assert button not in browser.get(f"/connect/{account_id}").text


def test_it_is_taken_back_while_grdf_is_asked(
    front: Site, world: LocalWorld, couchdb: CouchDBHook, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What counts is the link's validity when the account is written, not before the calls to GRDF."""
    link = Link("a-link", int(time.time()) + 60, "")
    HouseholdLinks(couchdb).make(account_id, link.id, link.until)
    attempt = Attempt.begin(account_id, visitor="", redirect_uri=front.redirect_uri, link=link)

    def asked_meanwhile(*_: object, **__: object) -> tuple[()]:
        HouseholdLinks(couchdb).take_back(account_id)
        return ()

    back = consent(attempt.authorize_url(GrdfOAuthHook().facts, login_hint(**names(account_id), third_party="TIERS")))
    monkeypatch.setattr(connecting, "_rights", asked_meanwhile)
    with pytest.raises(connecting.Stop) as stop:
        connecting.finish(attempt, asked(back)["code"], by="the household itself, with a link")
    assert (stop.value.key, stop.value.status) == ("connect.link_void", 410)
    assert stored_account(couchdb, account_id) is None


def test_it_does_not_outlive_a_deletion(front: Site, world: LocalWorld, couchdb: CouchDBHook, account_id: str) -> None:
    known_account(world, account_id)
    path = path_of(link_for(front, account_id))
    browser = front.browser()
    back = consent(begin(browser, account_id, path=path))
    delete(account_id, steps=("check", "mark"))
    assert void(browser.get(path)), "from the mark on"
    delete(account_id, steps=("mark", "revoke", "purge", "report"))
    assert stored_account(couchdb, account_id) is None
    assert couchdb.get(CONNECT, link_document(account_id)) is None
    assert all(void(answer) for answer in (browser.get(path), browser.post(path), browser.get(back)))
    assert stored_account(couchdb, account_id) is None
    known_account(world, account_id)
    before = stored_account(couchdb, account_id)
    new = path_of(link_for(front, account_id))
    assert void(browser.get(path)), "nor when the id is used again, with a link of its own"
    assert browser.get(new).status_code == 200
    assert stored_account(couchdb, account_id) == before


def test_a_household_sees_what_its_own_flow_brought(
    front: Site, world: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    former = known_account(world, account_id, 3)
    document = stored_account(couchdb, account_id) or {}
    couchdb.put(
        ACCOUNT, document | {"state_message": "a former word", "connected": {"at": "2025-01-02", "by": "somebody"}}
    )
    browser = front.browser()
    path = path_of(link_for(front, account_id))
    first = browser.get(path)
    number = f"7{account_id.rpartition('-')[2]}"
    last = browser.get(consent(begin(browser, f"account-{number}", path=path)))
    assert (first.status_code, last.status_code) == (200, 200)
    own = holder(f"account-{number}").pces[0]
    assert own in last.text
    again = browser.get(path)
    for answer in (first, last, again, browser.get("/household/done")):
        words = (*former, "already connected", "other meters", "a former word", "2025", "somebody", account_id)
        assert [word for word in words if word in said(answer).text] == []
    seen = stored_account(couchdb, account_id) or {}
    assert {each["pce"] for each in seen["oauth_callback_results"]["consents"]} == {own, *former}


def test_what_is_kept_of_a_link_and_for_how_long(couchdb: CouchDBHook, account_id: str) -> None:
    links, now = HouseholdLinks(couchdb), time.time()
    links.make(f"old-{account_id}", "over", now - 1)
    links.make(account_id, "named", now + 60)
    stored = couchdb.get(CONNECT, link_document(account_id)) or {}
    assert stored.keys() == {"_id", "_rev", "good", "until", "account"}
    assert "named" not in repr(stored)
    assert couchdb.get(CONNECT, link_document(f"old-{account_id}")) is None
    assert links.standing(account_id, "named") == "good"
    assert links.good_until(account_id) == int(now + 60)
    assert links.standing(f"b-{account_id}", "named") == "void"
    assert links.take_back(account_id)
    assert links.standing(account_id, "named") == "void"
    links.make(f"b-{account_id}", "x", now + 60)
    assert couchdb.get(CONNECT, link_document(account_id)) is None, "an empty one goes with the next"


def test_a_link_is_used_by_one_and_given_back(couchdb: CouchDBHook, account_id: str) -> None:
    links = HouseholdLinks(couchdb)
    links.make(account_id, "one", time.time() + 60)
    assert [links.take(account_id, "one") for _ in range(2)] == ["good", "used"]
    assert links.good_until(account_id) is None
    links.give_back(account_id, "one", untried=False)
    assert links.standing(account_id, "one") == "good"
    for _ in range(TRIES - 1):
        assert links.take(account_id, "one") == "good"
        links.give_back(account_id, "one", untried=False)
    assert links.take(account_id, "one") == "tried"
    links.make(account_id, "two", time.time() + 60)
    assert links.take(account_id, "two") == "good"
    assert links.take_back(account_id) is False, "none is out while it is used"
    links.give_back(account_id, "two", untried=True)
    assert links.standing(account_id, "two") == "void", "what was taken back stays so"


def test_many_at_once_use_a_link_once(couchdb: CouchDBHook, account_id: str) -> None:
    HouseholdLinks(couchdb).make(account_id, "one", time.time() + 60)

    def take(_: int) -> str:
        return HouseholdLinks(CouchDBHook()).take(account_id, "one")

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(take, range(4))) == ["good", "used", "used", "used"]
