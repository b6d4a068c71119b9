"""The direct way: a form, a summary, a tick. Nothing asks GRDF then; a page follows what the account's run does."""

from __future__ import annotations

import json
import logging
import re
from datetime import timedelta
from typing import Any

import pytest

from grdf.page.html.catalogue import Texts
from grdf.page.html.formatting import LocaleFormatter
from grdf.stores.household_links import TRIES
from include.sandbox.local_world import LocalWorld
from tests.connect.dance import begin, consent, problem, said
from tests.connect.direct import (
    OTHER,
    PROOF,
    answer_mail,
    check,
    entered,
    fetch_state,
    fields_of,
    followed,
    persons_in,
    press,
    records_of,
    run,
    send,
    stored,
)
from tests.connect.site import Browser, Site
from tests.helpers import holder
from tests.rights.declared import PERSON, rights


def by_link(site: Site, account: str) -> tuple[Browser, str]:
    return site.browser(), site.link_to(account)


def own(account: str, **more: Any) -> dict[str, Any]:
    return entered(account, proof=None, **more)


def logged(caplog: pytest.LogCaptureFixture) -> str:
    return "\n".join(each.getMessage() for each in caplog.records if not each.name.startswith(("httpx", "urllib3")))


def test_an_operator_sends_it(door: Site, clean: LocalWorld, account_id: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    (pce,), browser, start = holder(account_id).pces, door.browser("op"), f"/connect/{account_id}"
    form = browser.get(start).text
    assert form.index('class="direct"') < form.index('name="first_name"'), "the ways in are in the settings' order"
    summary = check(browser, start, entered(account_id, pce=f" {pce[:4]} {pce[4:8]}\u00a0{pce[8:]} "))
    assert said(summary).key == "direct.check"
    shown = (PERSON["email"], PERSON["name"], PERSON["phone"], pce, PROOF)
    assert [each for each in shown if each not in said(summary).text] == []
    back = browser.post(start, data=fields_of(summary) | {"step": "change"})
    assert (back.status_code, 'role="alert"' in back.text) == (200, False)
    assert [each for each in ('value="publiees" checked', f'value="{PERSON["email"]}"') if each not in back.text] == []
    assert (stored(account_id), records_of(account_id)) == (None, []), "nothing is stored before it is sent"
    clean.control.clear_log()
    sent = press(browser, start, fields_of(summary))
    assert sent.headers["Location"] == f"/gas/airflow/grdf/connect/{account_id}/progress"
    assert said(followed(browser, sent)).key == "progress.declaring"
    assert clean.control.log() == [], "nothing is asked in the request"
    (record,) = records_of(account_id)
    assert (record.by, record.proof, record.agreed, record.entered.pce) == ("op", PROOF, None, pce)
    assert (record.entered.name, record.entered.perimeters) == (PERSON["name"], ["informatives", "publiees"])
    run(account_id)
    assert said(followed(browser, sent)).key == "progress.waits"
    assert "waiting for the answer" in said(browser.get(start)).text, "on the form, too"
    (right,) = rights(clean, pce)
    assert (right["nom_titulaire"], right["courriel_titulaire"]) == (PERSON["name"], PERSON["email"])
    document = stored(account_id) or {}
    assert persons_in(json.dumps(document)) == []
    assert document["connected"] == {"at": record.given, "by": "op"}
    answer_mail(clean, account_id)
    assert fetch_state(browser, sent)["state"] == "accepted"
    assert f"Account {account_id}: op connected it" in logged(caplog)
    assert [*persons_in(logged(caplog)), *([pce] if pce in logged(caplog) else [])] == []


@pytest.mark.parametrize(("days", "key"), [(20, "renews"), (200, "lasts")])
def test_a_form_while_a_right_is_in_force(door: Site, clean: LocalWorld, account_id: str, days: int, key: str) -> None:
    browser, start, end = door.browser("op"), f"/connect/{account_id}", clean.control.today() + timedelta(days=days)
    clean.control.set(declared_right_state="Active")
    send(browser, start, entered(account_id, calls_until=str(end)))
    run(account_id)
    t, person = Texts("en"), {"email": PERSON["email"], "name": PERSON["name"]}
    told_day = LocaleFormatter("en").day(end + timedelta(days=1))
    text = t(f"direct.check.{key}", day=told_day, third_party=t("consent.third_party"), **person)
    assert text in said(check(browser, start, entered(account_id))).text
    sent = send(browser, start, entered(account_id))
    run(account_id)
    assert fetch_state(browser, sent)["state"] == ("renews" if key == "renews" else "accepted")


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
    assert said(page).key == "progress.waits.household"
    own_words = (pce, account_id, "/accounts/", "/dags/", PERSON["name"], PERSON["email"])
    assert [each for each in own_words if each in page.text] == []
    (record,) = records_of(account_id)
    assert record.by == "household"
    assert record.agreed
    assert (record.agreed.version, record.agreed.language) == ("1", language)
    assert re.sub(r"\s+", " ", record.agreed.text) in said(summary).text, "the text is stored as it was shown"
    assert browser.get(start).headers["Location"] == sent.headers["Location"], "a used link leads there, too"
    answer_mail(clean, account_id)
    assert fetch_state(browser, sent)["state"] == "accepted"
    text = said(front.browser("op").get(f"/connect/{account_id}/records")).text
    law = {"en": "GDPR", "fr": "RGPD"}[language]
    shown = (PERSON["email"], PERSON["name"], "household itself", f"({language})", law)
    assert [each for each in shown if each not in text] == []
    found = front.program("op").get(f"/connect/{account_id}/records").json()
    assert found["records"][0]["entered"]["email"] == PERSON["email"]
    assert persons_in(front.browser("user").get(f"/accounts/{account_id}").text) == []
    document = stored(account_id) or {}
    clean.book.save(document | {"connected": {"at": "2026-11-27T10:00:00Z", "by": "op"}})
    assert fetch_state(browser, sent)["state"] == "nothing", "it follows what it brought itself"


def test_a_household_corrects_what_was_refused_and_has_five_tries(
    front: Site, clean: LocalWorld, account_id: str
) -> None:
    (browser, start), form = by_link(front, account_id), None
    for number in range(TRIES):
        sent = send(browser, start, own(account_id, postcode="75001"))
        assert browser.get(start).status_code == 303, "while it is being declared"
        run(account_id)
        page = followed(browser, sent)
        assert (said(page).key, "postcode" in said(page).text) == ("progress.correct.household", True)
        assert account_id not in page.text
        assert (f'href="/grdf{start}"' in page.text) == (number < TRIES - 1)
        form = browser.get(start)
        assert ("not the postcode" in said(form).text) == (number < TRIES - 1)
        assert persons_in(form.text) == []
    assert "new link" in said(page).text
    assert fetch_state(browser, browser.get(start))["state"] == "correct"
    assert press(browser, start, own(account_id)).status_code == 303
    assert fetch_state(browser, browser.get(start))["state"] == "correct", "nothing more is sent with it"
    browser, start = by_link(front, account_id)
    send(browser, start, own(account_id, postcode="75001"))
    run(account_id)
    assert fetch_state(browser, send(browser, start, own(account_id)))["state"] == "declaring"


def test_an_operator_corrects_what_was_refused(
    door: Site, clean: LocalWorld, account_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    browser, start, (pce,) = door.browser("op"), f"/connect/{account_id}", holder(account_id).pces
    for change, why in (
        ({"pce": "12345678901234"}, "does not know this meter"),
        ({"calls_until": "2020-01-01"}, "contradict"),
    ):
        sent = send(browser, start, entered(account_id, **change))
        run(account_id)
        page = followed(browser, sent)
        assert (said(page).key, why in said(page).text) == ("progress.correct", True)
        assert f'href="/gas/airflow/grdf{start}">' in page.text, "the way back to the form"
        form = browser.get(start)
        assert f'value="{PERSON["email"]}"' in form.text, "with what was typed"
        assert (why in said(form).text, "already connected" in said(form).text) == (True, False)
    assert rights(clean, pce) == []
    corrected = send(browser, start, entered(account_id))
    assert fetch_state(browser, corrected)["state"] == "declaring"
    run(account_id)
    assert fetch_state(browser, corrected)["state"] == "waits"
    assert persons_in(logged(caplog)) == []


def test_what_a_household_is_about_to_bring_is_not_taken(front: Site, clean: LocalWorld, account_id: str) -> None:
    """It has agreed on GRDF's site and is on its way back. Somebody with a link knows the meter and the address."""
    who, household = holder(account_id), front.browser("op")
    back = consent(begin(household, account_id))
    thief = f"other-{80_000 + int(account_id[-5:])}"
    browser, start = by_link(front, thief)
    sent = send(browser, start, own(account_id, name=who.last_name, email=who.email))
    run(thief)
    assert fetch_state(browser, sent)["state"] == "correct"
    connected = household.get(back)
    run(account_id)
    assert fetch_state(household, connected)["state"] == "accepted"


def test_one_that_waits_stays_when_somebody_else_sends_another(front: Site, clean: LocalWorld, account_id: str) -> None:
    operator, at = front.browser("op"), f"/connect/{account_id}"
    assert send(operator, at, entered(account_id)).status_code == 303
    before = stored(account_id)
    assert problem(send(operator, at, entered(account_id, **OTHER))) == (409, "direct_waits")
    browser, start = by_link(front, account_id)
    for _ in range(TRIES):
        answer = send(browser, start, own(account_id, **OTHER))
        assert problem(answer) == (409, "direct_waits.household")
        assert persons_in(answer.text) == []
    assert stored(account_id) == before
    assert len(records_of(account_id)) == 1
    assert problem(browser.get(start)) == (410, "link_tried"), "it is not good for guessing"
    assert send(operator, at, entered(account_id, phone="+33 6 11 11 11 11")).status_code == 303, "the same person"


def test_it_needs_nothing_of_client_connect(
    clean: LocalWorld, airflow_home: object, shelf: None, monkeypatch: pytest.MonkeyPatch, account_id: str
) -> None:
    connection = json.loads(clean.connections()["AIRFLOW_CONN_GRDF_ADICT"])
    del connection["extra"]["redirect_uri"], connection["extra"]["authorize_url"]
    settings = {
        "AIRFLOW_CONN_GRDF_ADICT": json.dumps(connection), "AIRFLOW__GRDF__WAYS_IN": "direct",
        "AIRFLOW__GRDF__HOUSEHOLD_LINKS": "True", "AIRFLOW__API__BASE_URL": "",
    }  # fmt: skip
    site = Site(clean, settings=settings).opened(monkeypatch)
    browser, start = site.browser("op"), f"/connect/{account_id}"
    assert 'name="first_name"' not in browser.get(start).text
    assert problem(browser.post(start)) == (404, "way_closed")
    assert fetch_state(browser, send(browser, start, entered(account_id)))["state"] == "declaring"
    assert "own address" in said(browser.post(f"{start}/link")).text


def test_what_is_wrong_is_said_beside_the_field(door: Site, account_id: str) -> None:
    browser = door.browser("op")
    for field, typed in {
        "pce": "0999999900001", "company": "Invente SA", "postcode": "6900", "email": "somebody", "phone": "call me",
        "perimeters": ["all"], "calls_until": "tomorrow", "first": "0001-01-01", "proof": "",
    }.items():  # fmt: skip
        page, marked = check(browser, f"/connect/{account_id}", entered(account_id, **{field: typed})), field
        marked = "name" if field == "company" else field  # not both
        assert page.status_code == 422
        assert f'id="direct-{marked}-wrong">' in page.text, field
        assert f'aria-describedby="direct-{marked}-help direct-{marked}-wrong" aria-invalid="true"' in page.text
        assert 'role="alert"' in page.text
        assert f'value="{PERSON["phone"] if field != "phone" else PERSON["email"]}"' in page.text, "the rest is kept"
    assert stored(account_id) is None
