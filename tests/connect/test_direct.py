"""An operator connects a household the direct way: a form, a summary, one right at GRDF, and a page that follows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.connect.dance import said
from tests.connect.direct import (
    PROOF,
    answer_mail,
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
from tests.helpers import holder, yesterday
from tests.leaving.runs import acquire, extract, load
from tests.rights.declared import PERSON, rights

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld
    from tests.connect.site import Site

pytestmark = pytest.mark.usefixtures("shelf")


def test_the_whole_way(door: Site, clean: LocalWorld, account_id: str) -> None:
    (pce,), browser, start = holder(account_id).pces, door.browser("op"), f"/connect/{account_id}"
    spaced = f" {pce[:4]} {pce[4:8]}\u00a0{pce[8:]} "
    summary = check(browser, start, entered(account_id, pce=spaced))
    text = said(summary).text
    assert said(summary).title == "Is this right?"
    for shown in (
        PERSON["email"],
        PERSON["name"],
        PERSON["phone"],
        pce,
        PROOF,
        "daily consumption, billed consumption",
    ):
        assert shown in text
    assert stored(account_id) is None, "nothing is stored before it is sent"
    assert records_of(account_id) == []
    assert rights(clean, holder(account_id).pces[0]) == []

    sent = press(browser, start, fields_of(summary))
    assert sent.headers["Location"] == f"/gas/airflow/grdf/connect/{account_id}/progress"
    page = followed(browser, sent)
    assert said(page).title == "Waiting for the e-mail to be answered"
    assert "Since" in said(page).text
    (right,) = rights(clean, pce)
    assert (right["nom_titulaire"], right["courriel_titulaire"]) == (PERSON["name"], PERSON["email"])
    assert (right["perim_donnees_publiees"], right["perim_donnees_techniques"]) == ("Vrai", "Faux")
    document = stored(account_id)
    assert document is not None
    assert persons_in(json.dumps(document)) == []
    assert document["connected"]["by"] == "op"
    (record,) = records_of(account_id)
    assert (record.by, record.proof, record.agreed, record.pce) == ("op", PROOF, None, pce)
    assert (record.entered.name, record.entered.perimeters) == (PERSON["name"], ["informatives", "publiees"])
    assert record.given == document["connected"]["at"]

    assert answer_mail(clean, account_id, pce, "Active") == [f"grdf_account__{account_id}"]
    assert state(browser, sent) == "accepted"
    day = yesterday(clean)
    acquire(account_id, "manual")
    load(account_id, extract(account_id, day, "manual"), day)
    assert state(browser, sent) == "read"
    assert said(followed(browser, sent)).title == "The first days are stored"
    log = (door.stack.home / "api-server.log").read_text(encoding="utf-8")
    assert f"Account {account_id}: op connected it by declaring a right." in log
    assert persons_in(log) == []
    assert pce not in log


@pytest.mark.parametrize(
    ("answered", "shown"), [("Refusée", "refused"), ("Obsolète", "obsolete"), ("Révoquée", "revoked")]
)
def test_a_holder_who_does_not_want_it(
    door: Site, clean: LocalWorld, account_id: str, answered: str, shown: str
) -> None:
    browser = door.browser("op")
    sent = send(browser, f"/connect/{account_id}", entered(account_id))
    assert answer_mail(clean, account_id, holder(account_id).pces[0], answered) == []
    told = followed(browser, sent, Accept="application/json").json()
    assert (told["state"], told["over"]) == (shown, True)


def test_it_needs_nothing_of_client_connect(direct_site: Site, clean: LocalWorld, account_id: str) -> None:
    """Neither a redirect URI nor the page's own address, but for building a link."""
    browser, start = direct_site.browser("op"), f"/connect/{account_id}"
    page = browser.get(start)
    assert "On GRDF’s own site" not in page.text
    assert "Continue to GRDF" not in page.text
    assert said(browser.post(start)).title == "This way of connecting is not offered"
    assert state(browser, send(browser, start, entered(account_id))) == "waits"
    made = browser.post(f"{start}/link")
    assert said(made).title == "This page does not know its own address"


def test_both_ways_are_offered_in_the_order_of_the_settings(door: Site, clean: LocalWorld, account_id: str) -> None:
    page = door.browser("op").get(f"/connect/{account_id}").text
    assert page.index("By e-mail from GRDF") < page.index("On GRDF’s own site")


WRONG: tuple[tuple[dict[str, Any], str, str], ...] = (
    ({"pce": "0999999900001"}, "pce", "This is not a meter number"),
    ({"name": ""}, "name", "Enter a last name or a company, not both."),
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
    assert clean.control.log() == [] or all("droit_acces" not in each["path"] for each in clean.control.log())
    assert stored(account_id) is None
