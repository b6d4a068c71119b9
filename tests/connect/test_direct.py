"""The direct way: a form, a summary, a tick. Nothing asks GRDF then; a page follows what the account's run does."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from grdf.page.html.spelling import Spelling
from grdf.stores.household_links import TRIES
from include.gas.account.declaration import given_by
from tests.connect.dance import begin, consent, said
from tests.connect.direct import (
    OTHER,
    PERSON,
    PROOF,
    answer_mail,
    ask,
    check,
    entered,
    fields_of,
    followed,
    persons_in,
    press,
    records_of,
    rights,
    run,
    send,
    stored,
    told,
)
from tests.connect.links import link_for, path_of
from tests.helpers import holder, known_account
from tests.leaving.steps import delete

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld
    from tests.connect.site import Browser, Site

pytestmark = pytest.mark.usefixtures("shelf")


def by_link(site: Site, account: str) -> tuple[Browser, str]:
    return site.browser(), path_of(link_for(site, account))


def own(account: str, **more: Any) -> dict[str, Any]:
    return entered(account, proof=None, **more)


def test_an_operator_sends_it(door: Site, clean: LocalWorld, account_id: str) -> None:
    (pce,), browser, start = holder(account_id).pces, door.browser("op"), f"/connect/{account_id}"
    summary = check(browser, start, entered(account_id, pce=f" {pce[:4]} {pce[4:8]}\u00a0{pce[8:]} "))
    text = said(summary).text
    assert said(summary).title == "Is this right?"
    shown = (PERSON["email"], PERSON["name"], PERSON["phone"], pce, PROOF, "daily consumption, billed consumption")
    assert [each for each in shown if each not in text] == []
    assert (stored(account_id), records_of(account_id)) == (None, []), "nothing is stored before it is sent"
    clean.control.clear_log()
    sent = press(browser, start, fields_of(summary))
    assert sent.headers["Location"] == f"/gas/airflow/grdf/connect/{account_id}/progress"
    assert said(followed(browser, sent)).title == "GRDF is asked next"
    assert clean.control.log() == [], "nothing is asked in the request"
    (record,) = records_of(account_id)
    assert (record.by, record.proof, record.agreed, record.entered.pce) == ("op", PROOF, None, pce)
    assert (record.entered.name, record.entered.perimeters) == (PERSON["name"], ["informatives", "publiees"])

    run(account_id)
    page = followed(browser, sent)
    assert said(page).title == "Waiting for the e-mail to be answered"
    assert "waiting for the answer since" in said(page).text
    assert "waiting for the answer since" in said(browser.get(start)).text, "on the form, too"
    (right,) = rights(clean, pce)
    assert (right["nom_titulaire"], right["courriel_titulaire"]) == (PERSON["name"], PERSON["email"])
    document = stored(account_id) or {}
    assert persons_in(json.dumps(document)) == []
    assert document["connected"] == {"at": record.given, "by": "op"}
    answer_mail(clean, account_id)
    assert told(browser, sent)["state"] == "accepted"
    log = (door.stack.home / "api-server.log").read_text(encoding="utf-8")
    assert f"Account {account_id}: op connected it" in log
    assert [*persons_in(log), *([pce] if pce in log else [])] == []


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_household_sends_it_with_its_link(front: Site, clean: LocalWorld, account_id: str, language: str) -> None:
    (pce,), (browser, start) = holder(account_id).pces, by_link(front, account_id)
    browser.headers["Accept-Language"] = language
    assert 'name="proof"' not in browser.get(start).text
    summary = check(browser, start, own(account_id))
    fields = fields_of(summary)
    box = fields.pop("agreed")
    unticked = press(browser, start, fields)
    assert (unticked.status_code, 'id="agreed-wrong"' in unticked.text) == (422, True)
    assert (stored(account_id), records_of(account_id)) == (None, [])

    sent = press(browser, start, fields | {"agreed": box})
    run(account_id)
    page = followed(browser, sent)
    assert said(page).title == {"en": "Please answer GRDF’s e-mail", "fr": "Répondez à l’e-mail de GRDF"}[language]
    own_words = (pce, account_id, "/accounts/", "/dags/", PERSON["name"], PERSON["email"])
    assert [each for each in own_words if each in page.text] == []
    (record,) = records_of(account_id)
    assert record.by == "household"
    assert record.agreed
    assert (record.agreed.version, record.agreed.language) == ("1", language)
    assert re.sub(r"\s+", " ", record.agreed.text) in said(summary).text, "the text is stored as it was shown"
    assert browser.get(start).headers["Location"] == sent.headers["Location"], "a used link leads there, too"
    again = press(browser, start, fields | {"agreed": box})
    assert again.headers["Location"] == sent.headers["Location"], "a second click follows, too"
    answer_mail(clean, account_id)
    assert told(browser, sent)["state"] == "accepted"
    assert (len(records_of(account_id)), len(rights(clean, pce))) == (1, 1)


def test_many_clicks_with_a_link_declare_once(front: Site, clean: LocalWorld, account_id: str) -> None:
    browser, start = by_link(front, account_id)
    fields = fields_of(check(browser, start, own(account_id)))
    with ThreadPoolExecutor(4) as pool:
        sent = list(pool.map(lambda _: press(browser, start, fields), range(4)))
    assert {each.status_code for each in sent} == {303}
    assert len({each.headers["Location"] for each in sent}) == 1
    assert len({str(given_by(each.entered)) for each in records_of(account_id)}) == 1, "whichever click was recorded"
    run(account_id)
    assert len(rights(clean, holder(account_id).pces[0])) == 1


def test_many_clicks_of_an_operator_declare_once(door: Site, clean: LocalWorld, account_id: str) -> None:
    browser, start = door.browser("op"), f"/connect/{account_id}"
    fields = fields_of(check(browser, start, entered(account_id)))
    with ThreadPoolExecutor(4) as pool:
        assert {each.status_code for each in pool.map(lambda _: press(browser, start, fields), range(4))} == {303}
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(run, [account_id] * 2))
    assert len(rights(clean, holder(account_id).pces[0])) == 1


REFUSALS: tuple[tuple[dict[str, Any], dict[str, Any], str], ...] = (
    ({"postcode": "75001"}, {}, "this is not the postcode of this meter"),
    ({"pce": "12345678901234"}, {}, "GRDF does not know this meter"),
    ({}, {"contract_ended": True}, "the contract of this meter has ended"),
    ({"calls_until": "2020-01-01"}, {}, "these data and days contradict each other"),
)


@pytest.mark.parametrize(("change", "quirks", "says"), REFUSALS, ids=[row[2][-14:] for row in REFUSALS])
def test_what_grdf_refuses_is_read_on_the_page_that_follows(
    door: Site, clean: LocalWorld, account_id: str, change: dict[str, Any], quirks: dict[str, Any], says: str
) -> None:
    browser, start, (pce,) = door.browser("op"), f"/connect/{account_id}", holder(account_id).pces
    clean.control.set_quirks(pce, **quirks)
    sent = send(browser, start, entered(account_id, **change))
    run(account_id)
    page = followed(browser, sent)
    assert said(page).title == "This cannot be declared"
    assert says in said(page).text
    assert f'href="/gas/airflow/grdf{start}">' in page.text, "the way back to the form"
    form = browser.get(start)
    assert f'value="{PERSON["email"]}"' in form.text, "with what was typed"
    assert says in said(form).text, "and why it was not taken"
    assert "already connected" not in said(form).text
    assert rights(clean, pce) == []
    clean.control.set_quirks(pce)
    corrected = send(browser, start, entered(account_id))
    assert told(browser, corrected)["state"] == "declaring"
    run(account_id)
    assert told(browser, corrected)["state"] == "waits"
    assert persons_in((door.stack.home / "api-server.log").read_text(encoding="utf-8")) == []


def test_a_household_corrects_what_was_refused_and_has_five_tries(
    front: Site, clean: LocalWorld, account_id: str
) -> None:
    browser, start = by_link(front, account_id)
    for number in range(TRIES):
        sent = send(browser, start, own(account_id, postcode="75001"))
        assert browser.get(start).status_code == 303, "while it is being declared"
        run(account_id)
        page = followed(browser, sent)
        assert said(page).title == "This did not work"
        assert "this is not the postcode of this meter" in said(page).text
        assert account_id not in page.text
        assert (f'href="/grdf{start}"' in page.text) == (number < TRIES - 1)
        form = browser.get(start)
        assert ("this is not the postcode" in said(form).text) == (number < TRIES - 1)
        assert persons_in(form.text) == []
    assert "for a new link" in said(page).text
    assert said(followed(browser, browser.get(start))).title == "This did not work", (
        "it says what was wrong, and no more"
    )
    assert press(browser, start, own(account_id)).status_code == 303
    assert told(browser, browser.get(start))["state"] == "correct", "nothing more is sent with it"
    browser, start = by_link(front, account_id)
    send(browser, start, own(account_id, postcode="75001"))
    run(account_id)
    assert told(browser, send(browser, start, own(account_id)))["state"] == "declaring"


@pytest.mark.parametrize("who", ["operator", "household"])
def test_a_meter_of_another_account(front: Site, clean: LocalWorld, account_id: str, who: str) -> None:
    other = f"other-{80_000 + int(account_id[-5:])}"
    (right,) = clean.control.consent(holder(account_id).pces, parcours="DECLARATION_TIERS")
    known_account(clean, other)
    document = stored(other) or {}
    document["oauth_callback_results"] = {
        "consents": [{"pce": right["id_pce"], "id_accreditation": right["id_droit_acces"]}]
    }
    clean.book.save(document)
    run(other)
    browser, start = (
        by_link(front, account_id) if who == "household" else (front.browser("op"), f"/connect/{account_id}")
    )
    sent = send(browser, start, entered(account_id, **OTHER, **({"proof": None} if who == "household" else {})))
    run(account_id)
    page = followed(browser, sent)
    assert said(page).title == (
        "This meter is already connected" if who == "household" else "Another account has this meter"
    )
    assert "nothing to do: it begins by itself once that consent ends" in said(page).text
    assert other not in page.text
    assert len(rights(clean, right["id_pce"])) == 1, "none was declared"
    assert f'href="/grdf{start}"' in page.text, "a number may be mistyped"
    if who == "household":
        for _ in range(TRIES - 1):
            send(browser, start, own(account_id, **OTHER))
            run(account_id)
        page = followed(browser, sent)
        assert f'href="/grdf{start}"' not in page.text
        assert "For that, ask the person who sent you here for a new link" in said(page).text


def test_nobody_takes_what_a_household_is_about_to_bring(front: Site, clean: LocalWorld, account_id: str) -> None:
    """It has agreed on GRDF's site and is on its way back. Somebody with a link knows the meter and the address."""
    who, household = holder(account_id), front.browser("op")
    back = consent(begin(household, account_id))
    thief = f"other-{80_000 + int(account_id[-5:])}"
    browser, start = by_link(front, thief)
    sent = send(browser, start, own(account_id, name=who.last_name, email=who.email))
    run(thief)
    assert told(browser, sent)["state"] == "correct"
    connected = household.get(back)
    run(account_id)
    assert told(household, connected)["state"] == "accepted"


@pytest.mark.parametrize("who", ["operator", "household"])
def test_one_that_waits_stays_when_somebody_else_sends_another(
    fresh: Site, clean: LocalWorld, account_id: str, who: str
) -> None:
    operator, at = fresh.browser("op"), f"/connect/{account_id}"
    assert send(operator, at, entered(account_id)).status_code == 303
    before = stored(account_id)
    browser, start = by_link(fresh, account_id) if who == "household" else (operator, at)
    proof = {"proof": None} if who == "household" else {}
    for _ in range(TRIES):
        answer = send(browser, start, entered(account_id, **OTHER, **proof))
        assert answer.status_code == 409
        assert "Nothing was sent" in said(answer).text
        assert persons_in(answer.text) == []
    assert stored(account_id) == before
    assert len(records_of(account_id)) == 1
    if who == "household":
        assert said(browser.get(start)).title == "This link was tried too often", "it is not good for guessing"
    assert send(operator, at, entered(account_id, phone="+33 6 11 11 11 11")).status_code == 303, "the same person"


def test_a_renewal_before_the_end_and_after_it(door: Site, clean: LocalWorld, account_id: str) -> None:
    (pce,), browser, start = holder(account_id).pces, door.browser("op"), f"/connect/{account_id}"
    clean.control.set(declared_right_state="Active")
    sent = send(browser, start, entered(account_id, calls_until=str(clean.control.today() + timedelta(days=20))))
    run(account_id)
    assert told(browser, sent)["state"] == "accepted"
    end, after = (Spelling("en").day(clean.control.today() + timedelta(days=days)) for days in (20, 21))
    assert f"it is declared by itself on {after}" in said(check(browser, start, entered(account_id))).text
    assert "Nothing is sent to GRDF yet" not in said(check(browser, start, entered(account_id))).text
    early = send(browser, start, entered(account_id))
    run(account_id)
    (right,) = rights(clean, pce)
    assert (told(browser, early)["state"], told(browser, early)["over"]) == ("renews", False)
    assert said(followed(browser, early)).title == f"Renewal after {end}"
    assert "already connected" in said(browser.get(start)).text
    clean.control.revoke(right["id_droit_acces"])
    ask(account_id)
    assert len(rights(clean, pce)) == 2, "its end has come"
    clean.control.revoke(rights(clean, pce)[1]["id_droit_acces"])
    ask(account_id)
    assert "Nothing is read any more" in said(followed(browser, sent)).text
    clean.control.set(declared_right_state="A valider")
    after = send(browser, start, entered(account_id))
    run(account_id)
    assert told(browser, after)["state"] == "waits"


@pytest.mark.parametrize(
    ("answered", "shown"), [("Refusée", "refused"), ("Obsolète", "unanswered"), ("Active", "accepted")]
)
def test_what_the_holder_answers(door: Site, clean: LocalWorld, account_id: str, answered: str, shown: str) -> None:
    browser = door.browser("op")
    sent = send(browser, f"/connect/{account_id}", entered(account_id))
    run(account_id)
    answer_mail(clean, account_id, answered)
    follows = told(browser, sent)
    assert follows["state"] == shown
    form = said(browser.get(f"/connect/{account_id}")).text
    assert ("already connected" if shown == "accepted" else follows["title"]) in form


def test_who_has_left_or_leaves(front: Site, clean: LocalWorld, account_id: str) -> None:
    browser, start = front.browser("op"), f"/connect/{account_id}"
    fields = fields_of(check(browser, start, entered(account_id)))
    known_account(clean, account_id)
    household, at = by_link(front, account_id)
    delete(account_id, steps=("check", "mark"))
    assert "it is leaving" in said(press(browser, start, fields)).text
    delete(account_id, steps=("mark", "revoke", "purge"))
    answers = (press(browser, start, fields), browser.get(start), browser.post(start), browser.post(f"{start}/link"))
    for answer in answers:
        assert answer.status_code == 409
        assert "Choose a new id" in answer.text
    assert said(household.get(at)).title == "This link is not valid"
    assert (stored(account_id), records_of(account_id)) == (None, [])


def test_a_household_follows_what_it_brought_itself(front: Site, clean: LocalWorld, account_id: str) -> None:
    browser, start = by_link(front, account_id)
    sent = send(browser, start, own(account_id))
    document = stored(account_id) or {}
    clean.book.save(document | {"connected": {"at": "2026-11-27T10:00:00Z", "by": "op"}})
    assert told(browser, sent) | {"title": "", "text": "", "next": ""} == {
        "state": "nothing", "over": True, "title": "", "text": "", "next": "", "message": "", "form": "",
    }  # fmt: skip


def test_it_needs_nothing_of_client_connect(direct_site: Site, clean: LocalWorld, account_id: str) -> None:
    """Neither a redirect URI nor the page's own address, but for building a link."""
    browser, start = direct_site.browser("op"), f"/connect/{account_id}"
    assert "On GRDF’s own site" not in browser.get(start).text
    assert said(browser.post(start)).title == "This way of connecting is not offered"
    assert told(browser, send(browser, start, entered(account_id)))["state"] == "declaring"
    assert "does not know its own address" in said(browser.post(f"{start}/link")).text


WRONG: tuple[tuple[dict[str, Any], str, str], ...] = (
    ({"pce": "0999999900001"}, "pce", "This is not a meter number"),
    ({"company": "Invente SA"}, "name", "Enter a last name or a company, not both."),
    ({"postcode": "6900"}, "postcode", "A postcode has 5 digits."),
    ({"email": "nobody"}, "email", "This is not an e-mail address."),
    ({"phone": "call me"}, "phone", "This is not a phone number."),
    ({"perimeters": ["all"]}, "perimeters", "Choose from the data that are listed."),
    ({"calls_until": "tomorrow"}, "calls_until", "This is not a day"),
    ({"first": "0001-01-01"}, "first", "This is not a day"),
    ({"proof": ""}, "proof", "Say where the consent is kept"),
)


@pytest.mark.parametrize(("change", "field", "says"), WRONG, ids=[row[1] for row in WRONG])
def test_what_is_wrong_is_said_beside_the_field(
    door: Site, clean: LocalWorld, account_id: str, change: dict[str, Any], field: str, says: str
) -> None:
    page = check(door.browser("op"), f"/connect/{account_id}", entered(account_id, **change))
    assert page.status_code == 422
    assert f'id="direct-{field}-wrong">{says}' in page.text
    assert f'aria-describedby="direct-{field}-help direct-{field}-wrong" aria-invalid="true"' in page.text
    assert 'role="alert"' in page.text
    assert f'value="{PERSON["phone"] if field != "phone" else PERSON["email"]}"' in page.text, "what was typed is kept"
    assert stored(account_id) is None


def test_back_to_the_form(door: Site, clean: LocalWorld, account_id: str) -> None:
    start, browser = f"/connect/{account_id}", door.browser("op")
    fields = fields_of(check(browser, start, entered(account_id)))
    page = browser.post(start, data=fields | {"step": "change"})
    assert (page.status_code, 'role="alert"' in page.text) == (200, False)
    assert 'value="publiees" checked' in page.text
    assert f'value="{PERSON["email"]}"' in page.text
    assert stored(account_id) is None


def test_the_records_are_read_by_those_who_may_connect(front: Site, clean: LocalWorld, account_id: str) -> None:
    browser, start = by_link(front, account_id)
    send(browser, start, own(account_id))
    text = said(front.browser("op").get(f"/connect/{account_id}/records")).text
    shown = (PERSON["email"], PERSON["name"], "the household itself, with a link", "Text 1 (en)", "GDPR")
    assert [each for each in shown if each not in text] == []
    found = front.program("op").get(f"{front.url}/grdf/connect/{account_id}/records", timeout=60).json()
    assert found["records"][0]["entered"]["email"] == PERSON["email"]
    assert persons_in(front.browser("user").get(f"/accounts/{account_id}").text) == []
