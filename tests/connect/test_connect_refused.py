"""If anything goes wrong, a page says what happened and how to start again, and no partial account is stored."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from grdf.page.connect.attempt import Attempt, State, cookie_name
from grdf.page.connect.sealing import seal
from tests.connect.dance import asked, begin, consent, said, stored_account
from tests.connect.site import Site

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld


def answer_of(door: Site, **query: str) -> str:
    return f"{door.redirect_uri}?{urlencode(query)}"


def test_refused_by_the_household(door: Site, couchdb: CouchDBHook, account_id: str) -> None:
    browser = door.browser("op")
    back = consent(begin(browser, account_id), accept=False)
    told = browser.get(back)
    assert said(told).title == "No consent was given"
    assert f'href="/gas/airflow/grdf/connect/{account_id}"' in told.text
    assert stored_account(couchdb, account_id) is None
    assert said(browser.get(back)).title == "This answer has already been used"


@pytest.mark.parametrize("error", ["temporarily_unavailable", "server_error", "invalid_request"])
def test_an_error_of_grdf(door: Site, world: LocalWorld, couchdb: CouchDBHook, account_id: str, error: str) -> None:
    browser = door.browser("op")
    world.control.set(authorize_error=error)
    at_grdf = browser.get(begin(browser, account_id))
    told = said(browser.get(at_grdf.headers["Location"]))
    assert (told.status, told.title) == (502, "GRDF could not finish this")
    assert error in told.text
    assert stored_account(couchdb, account_id) is None


def test_a_word_that_is_none_of_oauth_is_not_shown(door: Site, account_id: str) -> None:
    browser = door.browser("op")
    state = asked(begin(browser, account_id))["state"]
    answer = browser.get(answer_of(door, state=state, error="<b>call 0900 now</b>"))
    assert "0900" not in answer.text


def test_replayed(door: Site, couchdb: CouchDBHook, account_id: str) -> None:
    browser = door.browser("op")
    back = consent(begin(browser, account_id))
    assert browser.get(back).status_code == 200
    before = stored_account(couchdb, account_id)
    told = said(browser.get(back))
    assert (told.status, told.title) == (409, "This answer has already been used")
    assert stored_account(couchdb, account_id) == before


def test_too_late(door: Site, couchdb: CouchDBHook, account_id: str) -> None:
    browser = door.browser("op")
    back = asked(consent(begin(browser, account_id)))
    state = State("an-old-one", account_id, household=False, until=int(time.time()) - 1)
    told = said(browser.get(answer_of(door, **back | {"state": state.sealed()})))
    assert (told.status, told.title) == (400, "It took too long"), "also when the cookie has gone"
    browser.cookies.set(cookie_name(state), cookie_for(door, state), path="/gas/airflow/grdf/callback")
    told = said(browser.get(answer_of(door, **back | {"state": state.sealed()})))
    assert (told.status, told.title) == (400, "It took too long")
    assert stored_account(couchdb, account_id) is None


def cookie_for(door: Site, state: State, visitor: str = "op") -> str:
    return seal("attempt", Attempt(state, visitor, door.redirect_uri, "nonce", ""))


def test_in_another_browser(door: Site, couchdb: CouchDBHook, account_id: str) -> None:
    """Otherwise, an attacker could make another person's browser finish the attempt with the attacker's meter."""
    back = consent(begin(door.browser("op"), account_id))
    told = said(door.browser("op").get(back))
    assert (told.status, told.title) == (400, "This was started by somebody else, or in another browser")
    assert stored_account(couchdb, account_id) is None


def test_by_another_user(door: Site, couchdb: CouchDBHook, account_id: str) -> None:
    browser = door.browser("op")
    back = consent(begin(browser, account_id))
    browser.cookies.set("_token", door.token("admin"), path="/")
    assert said(browser.get(back)).title.startswith("This was started by somebody else")
    browser.cookies.set("_token", door.token("viewer"), path="/")
    assert browser.get(back).status_code == 403
    browser.cookies.set("_token", "", path="/")
    assert browser.get(back).status_code == 401
    assert stored_account(couchdb, account_id) is None
    browser.cookies.set("_token", door.token("op"), path="/")
    assert browser.get(back).status_code == 200, "nothing was spent by all that"


def test_a_state_that_is_none_of_ours(door: Site, couchdb: CouchDBHook, account_id: str) -> None:
    browser = door.browser("op")
    back = asked(consent(begin(browser, account_id)))
    sealed_elsewhere = seal("attempt", {"id": "x", "account": account_id, "household": False, "until": 9e9})
    for state in ("", "nonsense", back["state"][:-2] + "xx", sealed_elsewhere, "é", "x" * 10_000):
        told = said(browser.get(answer_of(door, **back | {"state": state})))
        assert (told.status, told.title) == (400, "This answer does not belong to anything started here"), state
        assert "Start again" in told.text
    twice = f"{answer_of(door, **back)}&{urlencode({'state': back['state']})}"
    assert said(browser.get(twice)).status == 400
    assert stored_account(couchdb, account_id) is None


def test_an_attempt_of_another_account(door: Site, couchdb: CouchDBHook, account_id: str) -> None:
    """The cookie of one attempt is not valid for the state of another."""
    browser = door.browser("op")
    one, two = begin(browser, account_id), begin(browser, f"b-{account_id}")
    first, second = State.opened(asked(one)["state"]), State.opened(asked(two)["state"])
    assert first
    assert second
    other = door.browser("op")
    other.cookies.set(cookie_name(second), browser.cookies.get_dict()[cookie_name(first)], path="/")
    assert said(other.get(consent(two))).title.startswith("This was started by somebody else")
    assert stored_account(couchdb, f"b-{account_id}") is None


@pytest.mark.parametrize("change", [{"client_id": "somebody"}, {"iss": "https://evil.example/openam"}])
def test_an_answer_for_somebody_else(door: Site, couchdb: CouchDBHook, account_id: str, change: dict[str, str]) -> None:
    browser = door.browser("op")
    back = asked(consent(begin(browser, account_id)))
    told = said(browser.get(answer_of(door, **back | change)))
    assert (told.status, told.title) == (400, "This answer is not meant for us")
    assert stored_account(couchdb, account_id) is None
    assert browser.get(answer_of(door, **back)).status_code == 200, "the right one still counts"


def test_neither_a_code_nor_an_error(door: Site, account_id: str) -> None:
    browser = door.browser("op")
    state = asked(begin(browser, account_id))["state"]
    assert said(browser.get(answer_of(door, state=state))).title == "GRDF’s answer is incomplete"
    twice = f"{answer_of(door, state=state, code='a')}&code=b"
    assert said(browser.get(twice)).title == "GRDF’s answer is incomplete"


def test_grdf_is_down(door: Site, world: LocalWorld, couchdb: CouchDBHook, account_id: str) -> None:
    browser = door.browser("op")
    back = consent(begin(browser, account_id))
    world.control.fault("access_token", status=503)
    told = said(browser.get(back))
    assert (told.status, told.title) == (503, "This does not work at the moment")
    assert "Reload this page" in told.text
    assert stored_account(couchdb, account_id) is None
    assert browser.get(back).status_code == 200, "loading it again, as the page says, works"


def test_grdfs_answer_is_lost_when_the_code_is_spent(
    door: Site, world: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    browser = door.browser("op")
    back = consent(begin(browser, account_id))
    world.control.fault("access_token", status=503, after=True)
    assert browser.get(back).status_code == 503
    told = said(browser.get(back))
    assert (told.status, told.title) == (400, "GRDF no longer accepts its own answer")
    assert stored_account(couchdb, account_id) is None
    assert browser.get(consent(begin(browser, account_id))).status_code == 200, "starting again works"


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "somebody"},
        {"iss": "https://evil.example"},
        {"exp": 1},
        {"consentements": "[]"},
    ],
)
def test_an_id_token_that_cannot_be_believed(
    door: Site, world: LocalWorld, couchdb: CouchDBHook, account_id: str, claims: dict[str, object]
) -> None:
    browser = door.browser("op")
    assert browser.get(consent(begin(browser, account_id))).status_code == 200
    before = stored_account(couchdb, account_id)
    world.control.set(id_token_claims=claims)
    told = said(browser.get(consent(begin(browser, account_id))))
    assert (told.status, told.title) == (502, "GRDF’s answer could not be verified")
    assert stored_account(couchdb, account_id) == before


def test_grdf_refuses_our_own_client(door: Site, world: LocalWorld, couchdb: CouchDBHook, account_id: str) -> None:
    browser = door.browser("op")
    back = consent(begin(browser, account_id))
    world.control.fault("access_token", status=401, body={"error": "invalid_client"})
    told = said(browser.get(back))
    assert (told.status, told.title) == (502, "This installation is not set up for this")
    assert world.facts["client_secret"] not in told.text
    assert stored_account(couchdb, account_id) is None


def test_at_another_address_than_grdf_sends_back_to(door: Site, account_id: str) -> None:
    there = door.origin.replace("127.0.0.1", "localhost")
    answer = door.browser("op").post(
        f"/connect/{account_id}", headers={"Origin": there, "Host": there.removeprefix("http://")}
    )
    assert said(answer).title == "Please open this page at its own address"
    assert f'href="{door.url}/grdf/connect/{account_id}"' in answer.text
    assert "Set-Cookie" not in answer.headers
