"""A household connects the direct way with its link: it ticks a text, and follows in words what comes of it."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from grdf.page.connect.sealing import seal
from grdf.page.direct.progress_cookie import COOKIE
from grdf.stores.household_links import TRIES, HouseholdLinks
from include.gas.documents.doctypes import ACCOUNT
from tests.connect.dance import said
from tests.connect.direct import (
    PERSON,
    answer_mail,
    check,
    entered,
    fields_of,
    followed,
    persons_in,
    posted_to,
    press,
    records_of,
    send,
    state,
    stored,
)
from tests.connect.links import ledger, link_for, path_of
from tests.helpers import holder, known_account, yesterday
from tests.leaving.runs import acquire, extract, load
from tests.leaving.steps import delete
from tests.plugins.clockwork import call
from tests.rights.declared import TELLING, rights
from tests.rights.scene import bring, other_of

if TYPE_CHECKING:
    import requests

    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld
    from tests.connect.site import Site

pytestmark = pytest.mark.usefixtures("shelf")


def typed(account: str, **more: Any) -> dict[str, Any]:
    return entered(account, proof=None, **more)


def title(answer: requests.Response) -> str:
    return said(answer).title


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_whole_way(front: Site, clean: LocalWorld, account_id: str, language: str) -> None:
    (pce,), start = holder(account_id).pces, path_of(link_for(front, account_id))
    browser = front.browser()
    browser.headers["Accept-Language"] = language
    assert 'name="proof"' not in browser.get(start).text
    summary = check(browser, start, typed(account_id))
    assert PERSON["email"] in said(summary).text
    fields = fields_of(summary)
    box = fields.pop("agreed")
    unticked = press(browser, start, fields)
    assert unticked.status_code == 422
    assert 'id="agreed-wrong"' in unticked.text
    assert (stored(account_id), records_of(account_id), rights(clean, pce)) == (None, [], [])

    sent = press(browser, start, fields | {"agreed": box})
    page = followed(browser, sent)
    assert title(page) == {"en": "Please answer GRDF’s e-mail", "fr": "Répondez à l’e-mail de GRDF"}[language]
    assert [each for each in (pce, account_id, "/accounts/", "/dags/", *TELLING) if each in page.text] == []
    (record,) = records_of(account_id)
    assert record.by == "household"
    assert record.agreed
    assert (record.agreed.version, record.agreed.language) == ("1", language)
    shown = re.sub(r"\s+", " ", record.agreed.text)
    assert shown in said(summary).text, "the text is stored as it was shown"
    assert "{" not in shown
    assert (stored(account_id) or {})["connected"]["by"] == "the household itself, with a link"
    assert title(browser.get(start)) in ("This link has already been used", "Ce lien a déjà servi")

    again = press(browser, start, fields | {"agreed": box})
    assert again.headers["Location"] == sent.headers["Location"], "a second click follows, too"
    assert (len(records_of(account_id)), len(rights(clean, pce))) == (1, 1)

    answer_mail(clean, account_id, pce, "Active")
    assert state(browser, sent) == "accepted"
    day = yesterday(clean)
    acquire(account_id, "manual")
    load(account_id, extract(account_id, day, "manual"), day)
    assert state(browser, sent) == "read"
    log = (front.stack.home / "api-server.log").read_text(encoding="utf-8")
    assert persons_in(log) == []
    assert pce not in log
    assert persons_in(json.dumps(stored(account_id))) == []


@pytest.mark.parametrize("known", [False, True], ids=["new", "known"])
def test_a_refusal_leaves_nothing_and_is_corrected_with_the_same_link(
    front: Site, clean: LocalWorld, account_id: str, known: bool
) -> None:
    if known:
        bring(clean, account_id, holder(other_of(account_id)).pces[0])
    before = stored(account_id)
    browser, start = front.browser(), path_of(link_for(front, account_id))
    page = send(browser, start, typed(account_id, postcode="75001"))
    assert page.status_code == 422
    assert "this is not the postcode of this meter" in page.text
    after = stored(account_id)
    assert {**(after or {}), "_rev": ""} == {**(before or {}), "_rev": ""}
    assert records_of(account_id) == []
    assert state(browser, send(browser, start, typed(account_id))) == "waits"
    assert title(browser.get(start)) == "This link has already been used"


def test_a_link_is_good_for_five_tries(fresh: Site, clean: LocalWorld, account_id: str) -> None:
    browser, start = fresh.browser(), path_of(link_for(fresh, account_id))
    for _ in range(TRIES):
        page = send(browser, start, typed(account_id, pce="12345678901234"))
        assert "GRDF does not know this meter" in page.text
    asked = len(clean.control.log())
    assert title(browser.get(start)) == "This link was tried too often"
    fields = fields_of(page)
    assert title(browser.post(posted_to(start), data=fields)) == "This link was tried too often"
    assert len(clean.control.log()) == asked
    assert stored(account_id) is None


def test_links_have_a_budget_of_their_own(fresh: Site, clean: LocalWorld, account_id: str) -> None:
    governor, browser, start = ledger(fresh), fresh.browser(), path_of(link_for(fresh, account_id))
    fields = fields_of(check(browser, start, typed(account_id)))
    before, daily = governor.left("link"), governor.left("daily")
    assert state(browser, press(browser, start, fields)) == "waits"
    assert governor.left("link") < before, "a declaration is one of the calls that links may start"
    assert governor.left("daily") <= daily - 1
    for _ in range(governor.left("link") - 1):
        call(governor, purpose="link")
    other = path_of(link_for(fresh, f"{account_id}-b"))
    clean.control.clear_log()
    told = said(send(fresh.browser(), other, typed(account_id)))
    assert (told.status, told.title) == (503, "Too many households are connecting today")
    assert clean.control.log() == []
    assert stored(f"{account_id}-b") is None
    assert records_of(f"{account_id}-b") == []
    assert fresh.browser().get(other).status_code == 200, "the link is still good"


def test_calls_that_are_used_up_in_the_middle_leave_nothing(fresh: Site, clean: LocalWorld, account_id: str) -> None:
    """Six households press "Send" at once while one or two declarations may still be made."""
    names = [f"account-{80_000 + 10 * int(account_id[-5:]) + at}" for at in range(6)]
    ready = []
    for name in names:
        browser, start = fresh.browser(), path_of(link_for(fresh, name))
        ready.append((browser, start, fields_of(check(browser, start, typed(name)))))
    governor = ledger(fresh)
    while governor.left("link") > 2:
        call(governor, purpose="link")
    with ThreadPoolExecutor(6) as pool:
        told = list(pool.map(lambda each: press(*each).status_code, ready))
    assert 503 in told
    assert set(told) <= {303, 503}
    for name, (browser, start, _), status in zip(names, ready, told, strict=True):
        declared = len(rights(clean, holder(name).pces[0]))
        assert declared == (status == 303)
        assert bool(stored(name)) == (status == 303), "nothing waits to be declared on the daily runs' calls"
        assert len(records_of(name)) == declared
        assert browser.get(start).status_code == (409 if declared else 200)


@pytest.mark.parametrize("state_at_grdf", ["A valider", "Active"])
def test_nobody_takes_the_right_that_somebody_has_just_given(
    front: Site, clean: LocalWorld, account_id: str, state_at_grdf: str
) -> None:
    """Another program of ours has declared it a moment ago. Whoever has a link knows the meter and the address."""
    (pce,), email = holder(account_id).pces, "p.martin@example.org"
    known = other_of(account_id)
    send(front.browser("op"), f"/connect/{known}", entered(account_id, name="Martin-Invente", email=email))
    clean.book.remove(known)
    (right,) = rights(clean, pce)
    clean.control.change_consent(right["id_droit_acces"], etat_droit_acces=state_at_grdf)
    page = send(front.browser(), path_of(link_for(front, account_id)), typed(account_id, email=email))
    assert page.status_code == 422
    assert "This meter is connected already." in page.text
    assert stored(account_id) is None
    assert records_of(account_id) == []


@pytest.mark.parametrize("how", ["account", "right"])
def test_it_hears_nothing_of_other_accounts(front: Site, clean: LocalWorld, account_id: str, how: str) -> None:
    (pce,), other = holder(account_id).pces, other_of(account_id)
    if how == "account":
        bring(clean, other, pce)
    else:
        operator, start = front.browser("op"), f"/connect/{other}"
        send(operator, start, entered(account_id, name="Martin-Invente", email="p.martin@example.org"))
        clean.book.remove(other)
    browser, start = front.browser(), path_of(link_for(front, account_id))
    page = send(browser, start, typed(account_id))
    assert page.status_code == 422
    assert "This meter is connected already." in page.text
    assert [each for each in (other, "another account", "another name") if each in said(page).text] == []
    assert stored(account_id) is None


def test_settings_that_are_wrong_are_not_shown_to_it(front: Site, clean: LocalWorld, account_id: str) -> None:
    browser, start = front.browser(), path_of(link_for(front, account_id))
    clean.control.fault("/droit_acces$", method="PUT", status=403, body="{}")
    told = said(send(browser, start, typed(account_id)))
    assert "something must be fixed on our side first" in told.text
    assert "contract allows" not in told.text
    assert stored(account_id) is None


@pytest.mark.parametrize("how", ["taken back", "deleted"])
def test_a_link_that_is_void_between_form_and_send(
    front: Site, clean: LocalWorld, couchdb: CouchDBHook, account_id: str, how: str
) -> None:
    browser, start = front.browser(), path_of(link_for(front, account_id))
    fields = fields_of(check(browser, start, typed(account_id)))
    if how == "taken back":
        HouseholdLinks(couchdb).take_back(account_id)
    else:
        known_account(clean, account_id)
        delete(account_id)
    told = said(press(browser, start, fields))
    assert (told.status, told.title) == (410, "This link is no longer valid")
    assert (stored(account_id), records_of(account_id)) == (None, [])


def test_only_the_browser_that_sent_it_follows(front: Site, clean: LocalWorld, account_id: str) -> None:
    browser, start = front.browser(), path_of(link_for(front, account_id))
    sent = send(browser, start, typed(account_id))
    where = f"{front.origin}{sent.headers['Location']}"
    (cookie,) = [each for each in browser.cookies if each.name.startswith(COOKIE)]
    assert cookie.path == sent.headers["Location"]
    assert "HttpOnly" in cookie._rest
    stranger = front.browser()
    assert title(stranger.get(where)) == "There is nothing to see here"
    other = front.browser()
    other_sent = send(other, path_of(link_for(front, other_of(account_id))), typed(other_of(account_id)))
    (theirs,) = [each for each in other.cookies if each.name.startswith(COOKIE)]
    for value in (theirs.value, "forged", seal("attempt", {"account": account_id})):
        stranger.cookies.set(cookie.name, value, path="/")
        assert title(stranger.get(where)) == "There is nothing to see here"
    assert state(other, other_sent) == "waits"


@pytest.mark.parametrize("how", ["deleted", "replaced", "by client connect"])
def test_it_sees_nothing_that_its_own_form_did_not_bring(
    front: Site, clean: LocalWorld, couchdb: CouchDBHook, account_id: str, how: str
) -> None:
    browser = front.browser()
    sent = send(browser, path_of(link_for(front, account_id)), typed(account_id))
    document = stored(account_id) or {}
    if how == "deleted":
        delete(account_id)
        known_account(clean, account_id)
    elif how == "replaced":
        other = holder(other_of(account_id)).pces[0]
        send(front.browser("op"), f"/connect/{account_id}", entered(other_of(account_id), pce=other))
    else:
        couchdb.put(ACCOUNT, document | {"connected": {"at": "2026-11-27T10:00:00Z", "by": "op"}})
    told = followed(browser, sent, Accept="application/json").json()
    assert (told["state"], told["over"]) == ("nothing", True)
    assert told["message"] == told["since"] == ""


def test_the_operator_who_sends_the_same_after_it(front: Site, clean: LocalWorld, account_id: str) -> None:
    """The household has ticked its text; the operator had it on paper, too. There is one right all the same."""
    (pce,) = holder(account_id).pces
    send(front.browser(), path_of(link_for(front, account_id)), typed(account_id))
    operator = front.browser("op")
    assert state(operator, send(operator, f"/connect/{account_id}", entered(account_id))) == "waits"
    assert len(rights(clean, pce)) == 1
    assert [record.by for record in records_of(account_id)] == ["household", "op"]


def test_open_links_are_listed_with_a_button_each(front: Site, clean: LocalWorld, account_id: str) -> None:
    operator = front.browser("op")
    path = path_of(link_for(front, account_id))
    page = operator.get("/connect/")
    assert f'href="/grdf/connect/{account_id}"' in page.text
    assert f'action="/grdf/connect/{account_id}/link/take-back"' in page.text
    send(front.browser(), path, typed(account_id))
    assert account_id not in operator.get("/connect/").text, "it was used"
    link_for(front, account_id)
    assert account_id in operator.get("/connect/").text
    operator.post(f"/connect/{account_id}/link/take-back")
    assert account_id not in operator.get("/connect/").text


def test_the_records_are_read_by_those_who_may_connect(front: Site, clean: LocalWorld, account_id: str) -> None:
    send(front.browser(), path_of(link_for(front, account_id)), typed(account_id))
    page = front.browser("op").get(f"/connect/{account_id}/records")
    text = said(page).text
    for shown in (PERSON["email"], PERSON["name"], "the household itself, with a link", "Text 1 (en)", "GDPR"):
        assert shown in text
    told = front.program("op").get(f"{front.url}/grdf/connect/{account_id}/records", timeout=60).json()
    assert told["records"][0]["entered"]["email"] == PERSON["email"]
    assert f'href="/grdf/connect/{account_id}/records"' in front.browser("op").get(f"/accounts/{account_id}").text
    seen = front.browser("user").get(f"/accounts/{account_id}")
    assert f"/connect/{account_id}/records" not in seen.text
    assert persons_in(seen.text) == []


def test_a_link_is_not_good_for_guessing_whose_form_waits(fresh: Site, clean: LocalWorld, account_id: str) -> None:
    """An operator's form waits for GRDF's answer. The link's holder does not know for whom, and tries."""
    clean.control.fault("/droit_acces$", method="PUT", status=503, times=5)
    assert send(fresh.browser("op"), f"/connect/{account_id}", entered(account_id)).status_code == 303
    clean.control.set(faults=[])
    before = stored(account_id)
    browser, start = fresh.browser(), path_of(link_for(fresh, account_id))
    for number in range(TRIES):
        page = send(browser, start, typed(account_id, name=f"Guess-{number}"))
        assert page.status_code == 409
        assert title(page) == "This cannot be sent yet"
    assert title(browser.get(start)) == "This link was tried too often"
    assert stored(account_id) == before
    assert len(records_of(account_id)) == 1


def test_the_next_tenant_s_link_does_not_lead_into_the_former_one_s_account(
    fresh: Site, clean: LocalWorld, account_id: str
) -> None:
    (pce,) = holder(account_id).pces
    clean.control.set(declared_right_state="Active")
    assert send(fresh.browser("op"), f"/connect/{account_id}", entered(account_id)).status_code == 303
    (right,) = rights(clean, pce)
    clean.control.revoke(right["id_droit_acces"])
    before, browser, start = stored(account_id), fresh.browser(), path_of(link_for(fresh, account_id))
    for number in range(TRIES):
        page = send(browser, start, typed(account_id, name="Petit-Invente", email=f"planted-{number}@example.org"))
        assert page.status_code == 422
        assert "Another household is or was connected here. Ask the person who sent you here" in page.text
        assert persons_in(page.text.replace(PERSON["phone"], "")) == []
    assert title(browser.get(start)) == "This link was tried too often", "it is not good for guessing who that was"
    assert stored(account_id) == before
    assert len(rights(clean, pce)) == 1
