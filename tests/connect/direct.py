"""The steps by which a household is connected the direct way, and the holder's answer to GRDF's e-mail."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

from grdf.hooks.couchdb import CouchDBHook
from grdf.stores.records.consent_records import ConsentRecords
from include.gas.documents.doctypes import ACCOUNT
from include.sandbox.adict.meter_data import meters
from tests.helpers import holder
from tests.rights.declared import PERSON, TELLING, answer, declared_before, look

if TYPE_CHECKING:
    import requests

    from include.gas.documents.stored_consent import ConsentRecord
    from include.sandbox.local_world import LocalWorld
    from tests.connect.site import Browser

PROOF = "paper form 2026-17"
Fields = dict[str, Any]


def entered(account: str, **more: Any) -> Fields:
    """Return what is typed for a test's account. ``None`` leaves a field out."""
    (pce,) = holder(account).pces
    meter = meters.find(pce)
    assert meter
    typed = {"pce": pce, **PERSON, "postcode": meter.postcode, "perimeters": ["publiees"], "proof": PROOF} | more
    return {name: value for name, value in typed.items() if value is not None}


def fields_of(answer: requests.Response) -> Fields:
    """Return the hidden fields of the direct way's form, and the box to tick."""
    form = re.search(r'<form method="post" action="[^"]*/direct[^"]*".*?</form>', answer.text, re.DOTALL)
    assert form, answer.text
    found: Fields = {}
    for tag in re.findall(r"<input[^>]*>", form[0]):
        values = {name: html.unescape(value) for name, value in re.findall(r'([\w-]+)="([^"]*)"', tag)}
        if values.get("type") == "hidden" or values.get("name") == "agreed":
            if values["name"] == "perimeters":
                found.setdefault("perimeters", []).append(values["value"])
            else:
                found[values["name"]] = values["value"]
    return found


def check(browser: Browser, start: str, typed: Fields) -> requests.Response:
    """Open the page, fill in the form, and return the answer: the summary, or the form with what is wrong."""
    page = browser.get(start)
    assert page.status_code == 200, page.text
    return browser.post(posted_to(start), data=typed | {"ticket": fields_of(page)["ticket"], "step": "check"})


def send(browser: Browser, start: str, typed: Fields) -> requests.Response:
    """Fill in the form, and press "Send" on the summary."""
    summary = check(browser, start, typed)
    assert summary.status_code == 200, summary.text
    return press(browser, start, fields_of(summary))


def press(browser: Browser, start: str, fields: Fields) -> requests.Response:
    """Press "Send" on a summary."""
    return browser.post(posted_to(start), data=fields | {"step": "send"})


def posted_to(start: str) -> str:
    """Return the address to which the form at an address is sent."""
    path, mark, query = start.partition("?")
    return f"{path}/direct{mark}{query}"


def followed(browser: Browser, answer: requests.Response, **headers: str) -> requests.Response:
    """Return the page that follows the state, to which the form has led."""
    assert answer.status_code == 303, answer.text
    return browser.get(browser.site.origin + answer.headers["Location"], headers=headers)


def state(browser: Browser, answer: requests.Response) -> str:
    """Return the state that the script of that page asks for."""
    told = followed(browser, answer, Accept="application/json")
    return str(told.json()["state"])


def records_of(account: str) -> list[ConsentRecord]:
    return ConsentRecords(CouchDBHook()).of(account)


def stored(account: str) -> dict[str, Any] | None:
    return CouchDBHook().get(ACCOUNT, account)


def answer_mail(world: LocalWorld, account: str, pce: str, state: str) -> list[str]:
    """Let the holder answer, let a quarter of an hour pass, and look. Return the DAGs that begin."""
    answer(world, pce, state)
    declared_before(world, account, 16)
    return look()


def persons_in(text: str) -> list[str]:
    """Return what a text tells about the person."""
    return [each for each in TELLING if each.lower() in text.lower() and each != PERSON["postcode"]]
