"""Each way in which GRDF can refuse: the run names account, cause and next step, marks the account, stores nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from include.sandbox.connect import cozy_account
from include.sandbox.local_world import LocalWorld
from tests.helpers import connect_code, known_account, lose
from tests.runs.account_run import figures, run, secrets_in

OUTDATED, PERMISSIONS = "USER_ACTION_NEEDED.OAUTH_OUTDATED", "USER_ACTION_NEEDED.PERMISSIONS_CHANGED"
DOWN, SECRET = "VENDOR_DOWN", "s3cr3t-page"
AGAIN, CONSENT = "tried again automatically", "(consent|connect) again"


def refusal(code: str, message: str) -> dict[str, Any]:
    return {"status": 200, "body": {"consommation": None, "statut_restitution": {"code": code, "message": message}}}


CASES: list[tuple[dict[str, Any], str | None, str]] = [
    (refusal("1000014", "x"), OUTDATED, f"revoked the consent.*{CONSENT}"),
    (refusal("1000010", "x"), PERMISSIONS, "informative.*tick the daily"),
    (refusal("", "Tiers suspendu pour mésusage."), None, "no longer serves us.*connection"),
    (refusal("1234567", "Motif jamais vu."), None, "unknown reason.*error list"),
    (refusal("2000999", "Panne."), DOWN, f"technical failure.*{AGAIN}"),
    ({"status": 400, "body": {}}, None, "HTTP 400"),
    ({"status": 401, "body": {"erreur": "Authentification nécessaire."}}, None, "HTTP 401.*login and password"),
    ({"status": 403, "body": {"erreur": "Accès interdit."}}, OUTDATED, f"HTTP 403.*{CONSENT}"),
    ({"status": 429}, None, f"HTTP 429.*{AGAIN}"),
    ({"status": 502, "body": f"<html><h1>Bad gateway {SECRET}</h1>"}, DOWN, f"HTTP 502.*{AGAIN}"),
    ({"status": 200, "body": f'{{"pce": {{"id_pce": "{SECRET}'}, DOWN, f"could not be read.*{AGAIN}"),
    ({"status": 200, "cut": True}, DOWN, f"could not be reached.*{AGAIN}"),
    ({"status": 302, "body": " "}, None, "HTTP 302.*correct the host"),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "state", "said"), CASES)
def test_refusal(clean: LocalWorld, account_id: str, fault: dict[str, Any], state: str | None, said: str) -> None:
    (pce,) = known_account(clean, account_id)
    document = clean.book.get(account_id)
    if state in {OUTDATED, PERMISSIONS}:
        lose(clean, pce)  # GRDF's list agrees with the refusal; for the opposite case see tests/leaving
    clean.control.fault(f"/pce/{pce}/", times=None, **fault)
    done = run(clean, account_id)
    assert (done.failed, len(done.data_calls)) == ("extract", 2 if fault["status"] == 401 else 1)
    assert done.matches(said, account_id)
    assert SECRET not in done.said
    assert pce not in done.said
    after = clean.book.get(account_id) or {}
    assert after.get("state") == state
    assert after["state_message"] in done.said if state else after == document
    assert figures(clean, account_id, pce) == {}, "nothing is stored"


@pytest.mark.parametrize("how", ["used", "unknown", "expired"])
def test_a_code_that_serves_no_more(clean: LocalWorld, account_id: str, how: str) -> None:
    if how == "expired":
        clean.control.set(code_lifetime_s=0)
    connect_code(clean, account_id)
    document = clean.book.get(account_id) or {}
    grant = document["oauth"]
    if how == "used":
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
