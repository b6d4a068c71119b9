"""A declaration that GRDF refuses is said on the form, and leaves nothing behind; one that GRDF loses goes on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from include.gas.documents.doctypes import ACCOUNT
from tests.connect.dance import said
from tests.connect.direct import (
    PERSON,
    check,
    entered,
    fields_of,
    followed,
    persons_in,
    press,
    records_of,
    send,
    state,
    stored,
)
from tests.connect.site import Site
from tests.helpers import holder, known_account
from tests.leaving.runs import acquire
from tests.leaving.steps import delete
from tests.rights.declared import rights
from tests.rights.scene import bring, other_of

if TYPE_CHECKING:
    import requests

    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld

pytestmark = pytest.mark.usefixtures("shelf")

REFUSALS: tuple[tuple[dict[str, Any], dict[str, Any], str, str], ...] = (
    ({"postcode": "75001"}, {}, "postcode", "this is not the postcode of this meter"),
    ({"pce": "12345678901234"}, {}, "pce", "GRDF does not know this meter"),
    ({}, {"contract_ended": True}, "pce", "the contract of this meter has ended"),
    ({"calls_until": "2020-01-01"}, {}, "perimeters", "these data and days contradict each other"),
)


def refused_at(page: requests.Response, field: str) -> str:
    """Return what the form says beside a field."""
    return page.text.partition(f'id="direct-{field}-wrong">')[2].partition("<")[0]


@pytest.mark.parametrize("known", [False, True], ids=["new", "known"])
@pytest.mark.parametrize(("change", "quirks", "field", "says"), REFUSALS, ids=[row[3][-14:] for row in REFUSALS])
def test_each_refusal_is_said_at_once_and_a_correction_heals_it(
    door: Site,
    clean: LocalWorld,
    account_id: str,
    change: dict[str, Any],
    quirks: dict[str, Any],
    field: str,
    says: str,
    known: bool,
) -> None:
    browser, start, (pce,) = door.browser("op"), f"/connect/{account_id}", holder(account_id).pces
    if known:
        bring(clean, account_id, holder(other_of(account_id)).pces[0])
    before = stored(account_id)
    if quirks:
        clean.control.set_quirks(pce, **quirks)
    page = send(browser, start, entered(account_id, **change))
    assert page.status_code == 422
    assert says in refused_at(page, field)
    assert "Nothing was declared." in said(page).text
    assert f'value="{PERSON["email"]}"' in page.text
    after = stored(account_id)
    assert without_rev(after) == without_rev(before), "as before"
    assert records_of(account_id) == []
    assert rights(clean, pce) == []
    clean.control.set_quirks(pce)
    assert state(browser, send(browser, start, entered(account_id))) == "waits"
    assert len(records_of(account_id)) == 1
    log = (door.stack.home / "api-server.log").read_text(encoding="utf-8")
    assert persons_in(log) == []


def without_rev(document: dict[str, Any] | None) -> dict[str, Any] | None:
    return {key: value for key, value in document.items() if key != "_rev"} if document else None


def test_a_right_that_exists_for_somebody_else(door: Site, clean: LocalWorld, account_id: str) -> None:
    (pce,), browser, start = holder(account_id).pces, door.browser("op"), f"/connect/{account_id}"
    send(browser, start, entered(account_id))
    clean.book.remove(account_id)
    page = send(browser, start, entered(account_id, name="Martin-Invente", email="p.martin@example.org"))
    assert "which this account has not declared" in refused_at(page, "pce")
    assert len(rights(clean, pce)) == 1
    assert stored(account_id) is None


@pytest.mark.parametrize("seen", [True, False])
def test_a_meter_of_another_account(
    door: Site, fab_site: Site, clean: LocalWorld, account_id: str, seen: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    (pce,), other = holder(account_id).pces, other_of(account_id)
    bring(clean, other, pce)
    theirs = stored(other)
    if not seen:
        from grdf.page.direct import refusal_texts
        from grdf.page.html.catalogue import Texts
        from grdf.page.security import Visitor
        from include.gas.errors import MeterTaken

        monkeypatch.setattr(refusal_texts, "viewable", lambda _visitor, _accounts: set())
        error = MeterTaken.about(account_id, "taken", holder=other)
        visitor = Visitor("op", "op", None, None)  # type: ignore[arg-type]  # nobody asks it anything here
        told = refusal_texts.refusal_texts(error, Texts("en"), visitor)["pce"]
        assert "belongs to another account" in told
        assert other not in told
        return
    page = send(door.browser("op"), f"/connect/{account_id}", entered(account_id))
    assert f"belongs to the account {other}" in refused_at(page, "pce")
    assert (stored(account_id), stored(other)) == (None, theirs)
    assert len(rights(clean, pce)) == 1, "none was declared"


@pytest.mark.parametrize("fault", [{"cut": True, "after": True}, {"status": 503, "after": True}, {"status": 503}])
def test_what_grdf_did_not_answer_is_tried_again(
    door: Site, clean: LocalWorld, account_id: str, fault: dict[str, Any]
) -> None:
    (pce,), browser = holder(account_id).pces, door.browser("op")
    clean.control.fault("/droit_acces$", method="PUT", **fault)
    sent = send(browser, f"/connect/{account_id}", entered(account_id))
    page = followed(browser, sent)
    assert said(page).title == "GRDF has not answered yet"
    assert "it is tried again by itself" in said(page).text
    assert len(records_of(account_id)) == 1
    with pytest.raises(AirflowSkipException, match="has to accept"):
        acquire(account_id, "scheduled")
    assert len(rights(clean, pce)) == 1
    assert state(browser, sent) == "waits"
    assert persons_in(json.dumps(stored(account_id))) == []


def test_a_second_click_declares_nothing(door: Site, clean: LocalWorld, account_id: str) -> None:
    (pce,), browser, start = holder(account_id).pces, door.browser("op"), f"/connect/{account_id}"
    fields = fields_of(check(browser, start, entered(account_id)))
    first = press(browser, start, fields)
    assert first.status_code == 303
    clean.control.clear_log()
    again = [press(browser, start, fields) for _ in range(2)]
    assert {each.headers["Location"] for each in again} == {first.headers["Location"]}
    other_tab = send(browser, start, entered(account_id))
    assert other_tab.headers["Location"] == first.headers["Location"]
    assert clean.control.log() == [], "GRDF was not asked once more"
    assert (len(rights(clean, pce)), len(records_of(account_id))) == (1, 1)


def test_the_second_click_after_a_refusal_says_so(door: Site, clean: LocalWorld, account_id: str) -> None:
    browser, start = door.browser("op"), f"/connect/{account_id}"
    fields = fields_of(check(browser, start, entered(account_id, postcode="75001")))
    assert press(browser, start, fields).status_code == 422
    assert said(press(browser, start, fields)).title == "This form was sent already"


@pytest.mark.parametrize("when", ["before", "between", "done", "foreign"])
def test_an_account_that_may_not_be_connected(
    door: Site, clean: LocalWorld, couchdb: CouchDBHook, account_id: str, when: str
) -> None:
    browser, start, titles = door.browser("op"), f"/connect/{account_id}", {
        "before": "This account is being deleted",
        "between": "This account is being deleted",
        "done": "This account has been deleted in the meantime",
        "foreign": "This account cannot be connected",
    }  # fmt: skip
    fields = fields_of(check(browser, start, entered(account_id)))
    known_account(clean, account_id)
    if when == "foreign":
        couchdb.put(ACCOUNT, (stored(account_id) or {}) | {"account_type": "another"})
    else:
        delete(account_id, steps=("check", "mark"))
        if when == "done":
            delete(account_id, steps=("mark", "revoke", "purge", "report"))
    if when == "before":
        assert said(browser.get(start)).title == titles[when]
    clean.control.clear_log()
    told = said(press(browser, start, fields))
    assert (told.status, told.title) == (409, titles[when])
    assert records_of(account_id) == []
    assert clean.control.log() == [], "GRDF was not asked"
    assert "declaration" not in (stored(account_id) or {})


def test_a_form_of_somebody_else_is_not_sent(door: Site, clean: LocalWorld, account_id: str) -> None:
    start = f"/connect/{account_id}"
    fields = fields_of(check(door.browser("op"), start, entered(account_id)))
    for browser, at, ticket in (
        (door.browser("admin"), start, fields["ticket"]),
        (door.browser("op"), f"/connect/{other_of(account_id)}", fields["ticket"]),
        (door.browser("op"), start, "forged"),
    ):
        page = press(browser, at, fields | {"ticket": ticket})
        assert page.status_code == 422
        assert "Nothing was sent. Please check it once more" in said(page).text
        assert f'value="{PERSON["email"]}"' in page.text
    assert rights(clean, holder(account_id).pces[0]) == []


def test_change_leads_back_to_the_form(door: Site, clean: LocalWorld, account_id: str) -> None:
    browser, start = door.browser("op"), f"/connect/{account_id}"
    fields = fields_of(check(browser, start, entered(account_id)))
    page = browser.post(f"{start}/direct", data=fields | {"step": "change"})
    assert page.status_code == 200
    assert f'value="{PERSON["email"]}"' in page.text
    assert 'role="alert"' not in page.text
    assert 'value="publiees" checked' in page.text
