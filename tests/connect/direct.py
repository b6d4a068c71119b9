"""The steps by which a household is connected the direct way, its account's run, and what came of it."""

from __future__ import annotations

import html
import re
from typing import Any

import httpx

from grdf.hooks.couchdb import CouchDBHook
from grdf.ledger.account_intake import AccountIntake
from grdf.ledger.rights_ledger import Ledger
from grdf.ledger.rights_query import query_rights
from grdf.stores.consent_records import ConsentRecords
from include.gas.documents.doctypes import ACCOUNT
from include.gas.errors import GasError
from include.gas.proof.consent_record import ConsentRecord
from include.sandbox.local_world import LocalWorld
from tests.connect.site import Browser
from tests.helpers import adict_hook, holder
from tests.rights.declared import PERSON, TELLING, postcode, rights

PROOF = "paper form 2026-17"
OTHER = {"name": "Petit-Invente", "email": "p.petit@example.org"}
Fields = dict[str, Any]


def entered(account: str, **more: Any) -> Fields:
    (pce,) = holder(account).pces
    typed = {"pce": pce, **PERSON, "postcode": postcode(pce), "perimeters": ["publiees"], "proof": PROOF} | more
    return {name: value for name, value in typed.items() if value is not None}


def fields_of(answer: httpx.Response) -> Fields:
    form = re.search(r'<form method="post" action="[^"]*" class="direct">.*?</form>', answer.text, re.DOTALL)
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


def check(browser: Browser, start: str, typed: Fields) -> httpx.Response:
    page = browser.get(start)
    assert page.status_code == 200, page.text
    return browser.post(start, data=typed | {"step": "check"})


def send(browser: Browser, start: str, typed: Fields) -> httpx.Response:
    summary = check(browser, start, typed)
    assert summary.status_code == 200, summary.text
    return press(browser, start, fields_of(summary))


def press(browser: Browser, start: str, fields: Fields) -> httpx.Response:
    return browser.post(start, data=fields | {"step": "send"})


def followed(browser: Browser, answer: httpx.Response, **headers: str) -> httpx.Response:
    assert answer.status_code == 303, answer.text
    return browser.get(browser.site.origin + answer.headers["Location"], headers=headers)


def fetch_state(browser: Browser, answer: httpx.Response) -> Fields:
    return dict(followed(browser, answer, Accept="application/json").json())


def run(account: str) -> GasError | None:
    try:
        AccountIntake(CouchDBHook(), adict_hook(), account).process_account(asks=True)
    except GasError as error:
        return error
    return None


def ask(account: str) -> None:
    query_rights(Ledger(CouchDBHook()), adict_hook(), holder(account).pces)
    run(account)


def records_of(account: str) -> list[ConsentRecord]:
    return ConsentRecords(CouchDBHook()).records_of(account)


def stored(account: str) -> dict[str, Any] | None:
    return CouchDBHook().get(ACCOUNT, account)


def answer_mail(world: LocalWorld, account: str) -> None:
    for right in rights(world, holder(account).pces[0]):
        world.control.change_consent(right["id_droit_acces"], etat_droit_acces="Active")
    ask(account)


def persons_in(text: str) -> list[str]:
    return [each for each in TELLING if each.lower() in text.lower()]
