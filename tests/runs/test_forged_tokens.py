"""A forged ``id_token`` is refused before GRDF is asked for anything, and the account is left exactly as it was."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest

from include.sandbox.local_world import LocalWorld
from tests.helpers import connect_code, connect_cozy
from tests.runs.account_run import days, run, secrets_in

KEYS = "AIRFLOW_CONN_GRDF_ADICT"
FORGED: dict[str, tuple[Callable[[dict[str, Any], str], str], str]] = {
    "another secret": (lambda claims, _: jwt.encode(claims, "guessed-secret-guessed-secret-12"), "signature"),
    "expired": (lambda claims, secret: jwt.encode(claims | {"exp": time.time() - 7200}, secret), "expired"),
    "another nonce": (lambda claims, secret: jwt.encode(claims | {"nonce": "another"}, secret), "nonce"),
}


@pytest.mark.parametrize(("forge", "cause"), FORGED.values(), ids=FORGED)
def test_a_token(clean: LocalWorld, account_id: str, forge: Any, cause: str) -> None:
    connect_cozy(clean, account_id)
    document = clean.book.get(account_id) or {}
    results = document["oauth_callback_results"]
    claims = jwt.decode(results["id_token"], options={"verify_signature": False})
    document["oauth"]["nonce"] = claims["nonce"]
    results["id_token"] = token = forge(claims, clean.facts["client_secret"])
    clean.book.save(document)
    before = clean.book.get(account_id)
    done = run(clean, account_id)
    assert (done.failed, done.calls) == ("acquire_token", [])
    kind, outcome = "IdTokenRefused", r"Nothing was changed\. [A-Z]"
    if cause == "expired":
        kind, outcome = "IdTokenUnusable", "It can never be accepted, and is not kept"
    assert done.matches(f"{kind}: .*the id_token .*{cause}.*{outcome}", account_id)
    assert not [part for part in token.split(".") if len(part) >= 20 and part in done.said]
    after = clean.book.get(account_id) or {}
    if cause == "expired":
        assert secrets_in(after) == [], "it can never be used"
    else:
        assert after == before


def test_a_code_is_not_burnt_while_the_public_keys_cannot_be_read(
    clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A code works only once."""
    clean.control.set(id_token_alg="RS256")
    connection = json.loads(clean.connections()[KEYS])
    connection["extra"] |= {"id_token_algorithms": ["RS256"], "jwks_url": clean.facts["jwks_url"]}
    monkeypatch.setenv(KEYS, json.dumps(connection))
    (pce,) = connect_code(clean, account_id)
    clean.control.fault("/jwk_uri", status=503, times=1)
    assert run(clean, account_id).failed == "acquire_token"
    assert not run(clean, account_id).failed
    assert days(clean, account_id, pce)


def test_a_token_for_another_client_behind_a_code_waits_until_the_setting_is_corrected(
    clean: LocalWorld, account_id: str
) -> None:
    connect_code(clean, account_id)
    clean.control.set(id_token_claims={"aud": "somebody-else", "azp": None})
    assert run(clean, account_id).matches("IdTokenRefused: .*another client", account_id)
    after = clean.book.get(account_id) or {}
    assert not after.get("state"), "its household has nothing to do with it"
    assert after["oauth_callback_results"]["id_token"], "the code is used up"
    assert "code" not in after["oauth"]
