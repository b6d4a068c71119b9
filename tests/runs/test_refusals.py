"""For each way in which GRDF can refuse: the run says who, why and what next, marks the account, and stores nothing.

Which answer is which error is decided in ``tests/gas/answers``; what the next good runs make of it, in promise 15.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests.helpers import connect_code, known_account, lose
from tests.runs.account_run import figures, run, secrets_in

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

OUTDATED, PERMISSIONS = "USER_ACTION_NEEDED.OAUTH_OUTDATED", "USER_ACTION_NEEDED.PERMISSIONS_CHANGED"
DOWN = "VENDOR_DOWN"
AGAIN, CONSENT = "tried again automatically", "(consent|connect) again"


@dataclass(frozen=True)
class Case:
    """A bad answer to a call for data.

    :param state: the Cozy state that the account gets
    :param cause: in the message, as a regular expression; ``step``, what to do next, comes after it
    :param calls: number of data calls in one try
    """

    state: str | None
    cause: str
    step: str
    quirks: Mapping[str, Any] = field(default_factory=dict)
    fault: Mapping[str, Any] = field(default_factory=dict)
    calls: int = 1


def code(state: str | None, number: str, cause: str, step: str = CONSENT) -> Case:
    return Case(state, cause, step, quirks={"refusal": number})


def line(state: str | None, number: str, message: str, cause: str, step: str) -> Case:
    """Return a refusal in a line of an HTTP 200 whose code is not public."""
    body = {"consommation": None, "statut_restitution": {"code": number, "message": message}}
    return Case(state, cause, step, fault={"status": 200, "body": body})


def http(state: str | None, status: int, step: str, *, calls: int = 1, cause: str = "", **fault: Any) -> Case:
    return Case(state, cause or f"HTTP {status}", step, fault={"status": status, **fault}, calls=calls)


SECRET = "s3cr3t-page"
CASES = {
    "moved": code(OUTDATED, "1000000", "moved out"),
    "expired": code(OUTDATED, "1000001", "expired"),
    "no right": code(OUTDATED, "1000002", "no right of access"),
    "published": code(PERMISSIONS, "1000009", "published data"),
    "informative": code(PERMISSIONS, "1000010", "informative", "tick the daily"),
    "no proof": code(OUTDATED, "1000011", "proof of consent"),
    "revoked": code(OUTDATED, "1000014", "revoked the consent"),
    **{text: code(OUTDATED, text, "no longer valid") for text in ("9990001", "9990002", "9990003", "9990004")},
    "too narrow": code(PERMISSIONS, "9990005", "does not include what was asked"),
    "our contract": line(
        None, "9990010", "Le contrat ADICT du tiers est arrivé à échéance.", "serves us", "connection"
    ),
    "suspended": line(None, "", "Tiers suspendu pour mésusage.", "no longer serves us", "connection"),
    "unknown": line(None, "1234567", "Motif jamais vu.", "unknown reason", "error list"),
    "technical": line(DOWN, "2000999", "Panne.", "technical failure", AGAIN),
    "400": http(None, 400, "dates and the meter", body={"statut_restitution": {"code": "9999406", "message": "date"}}),
    "401": http(None, 401, "login and password", calls=2, body={"erreur": "Authentification nécessaire."}),
    "403": http(OUTDATED, 403, CONSENT, body={"erreur": "Accès interdit."}),
    "404": http(None, 404, "meter", body={"statut_restitution": {"code": "9999440", "message": "Inconnu."}}),
    "409": http(None, 409, "bug|meter"),
    "429": http(None, 429, AGAIN),
    "502": http(DOWN, 502, AGAIN, body=f"<html><h1>Bad gateway {SECRET}</h1>"),
    "504": http(DOWN, 504, AGAIN),
    "HTML": http(DOWN, 200, AGAIN, cause="could not be read", body=f"<html>{SECRET} {{</html>"),
    "broken JSON": http(DOWN, 200, AGAIN, cause="could not be read", body=f'{{"pce": {{"id_pce": "{SECRET}'),
    "cut": http(DOWN, 200, AGAIN, cause="could not be reached", cut=True),
    "redirect": http(None, 302, "correct the host", body=" "),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_refusal(clean: LocalWorld, account_id: str, case: Case) -> None:
    (pce,) = known_account(clean, account_id)
    document = clean.book.get(account_id)
    if case.state in {OUTDATED, PERMISSIONS}:
        lose(clean, pce)  # GRDF's list agrees with the refusal; for the opposite case see tests/leaving
    clean.control.set_quirks(pce, **case.quirks)
    if case.fault:
        clean.control.fault(f"/pce/{pce}/", times=None, **case.fault)

    done = run(clean, account_id)

    assert (done.failed, len(done.data_calls)) == ("extract", case.calls)
    assert done.matches(f"{case.cause}.*{case.step}", account_id)
    assert SECRET not in done.said
    assert pce not in done.said
    after = clean.book.get(account_id) or {}
    assert after.get("state") == case.state
    assert after["state_message"] in done.said if case.state else after == document
    assert figures(clean, account_id, pce) == {}, "nothing is stored"


INVALID = {"error": "invalid_client"}
TOKENS: dict[str, tuple[dict[str, Any], str]] = {
    "our secret": ({"status": 401, "body": INVALID}, "CredentialsRefused: .*invalid_client.*login and password"),
    "our scope": ({"status": 400, "body": {"error": "invalid_scope"}}, "BadSettings: .*invalid_scope.*scope"),
    "503": ({"status": 503}, f"ServiceUnavailable: .*HTTP 503.*{AGAIN}"),
    "429": ({"status": 429}, f"QuotaExceeded: .*HTTP 429.*{AGAIN}"),
    "HTML": ({"status": 200, "body": f"<html>{SECRET}"}, f"ServiceUnavailable: .*JSON.*{AGAIN}"),
    "no token": ({"status": 200, "body": {"access_token": 5}}, f"ServiceUnavailable: .*access_token.*{AGAIN}"),
    "a login's": (
        {"status": 200, "body": {"access_token": SECRET, "scope": "openid", "expires_in": 60}}, "another scope.*same",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("fault", "said"), TOKENS.values(), ids=TOKENS)
def test_no_household_is_asked_to_act_when_there_is_no_token(
    clean: LocalWorld, account_id: str, fault: dict[str, Any], said: str
) -> None:
    known_account(clean, account_id)
    before = clean.book.get(account_id)
    clean.control.fault("/access_token", times=None, **fault)
    done = run(clean, account_id)
    assert (done.failed, done.data_calls) == ("rescope_token", [])
    assert done.matches(said)
    assert SECRET not in done.said
    assert clean.book.get(account_id) == before


@pytest.mark.parametrize("how", ["used", "unknown", "expired"])
def test_a_code_that_serves_no_more(clean: LocalWorld, account_id: str, how: str) -> None:
    if how == "expired":
        clean.control.set(code_lifetime_s=0)
    connect_code(clean, account_id)
    document = clean.book.get(account_id) or {}
    grant = document["oauth"]
    if how == "used":
        from include.sandbox.connect import cozy_account

        cozy_account(account_id, grant, clean.facts)
    if how == "unknown":
        clean.book.save(document | {"oauth": grant | {"code": "invented-code-invented-code"}})
    done = run(clean, account_id)
    assert done.failed == "acquire_token"
    assert done.matches("GrantRefused: .*invalid_grant.*connect again", account_id)
    after = clean.book.get(account_id) or {}
    assert after["state"] == OUTDATED
    assert secrets_in(after) == [], "a code that serves no more is not kept"
    assert grant["code"] not in done.said + json.dumps(after)
