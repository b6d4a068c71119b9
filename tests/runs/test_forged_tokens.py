"""A forged or damaged ``id_token`` is refused with a clear message, and the account is left exactly as it was."""

from __future__ import annotations

import base64
import hmac
import json
import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from include.sandbox.connect import consent, cozy_account
from tests.helpers import connect_code, connect_cozy, holder
from tests.runs.shelves import data_revisions, days, secrets_in

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld
    from tests.runs.runner import Worker

Claims = dict[str, Any]
ATTACKER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def segment(part: Any) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def hs256(key: bytes, claims: Any, **header: Any) -> str:
    """Sign without the library, which refuses to use a public key as a secret. An attacker would not."""
    head = f"{segment({'alg': 'HS256', 'typ': 'JWT', **header})}.{segment(claims)}"
    kind = "sha512" if header.get("alg") == "HS512" else "sha256"
    return f"{head}.{segment(hmac.new(key, head.encode(), kind).digest())}"


def without(claims: Claims, *names: str) -> Claims:
    return {name: value for name, value in claims.items() if name not in names}


Forge = Callable[[Claims, bytes], str]
FORGED: dict[str, tuple[Forge, str]] = {
    "alg none": (lambda c, _s: f"{segment({'alg': 'none'})}.{segment(c)}.", "algorithm that we do not accept"),
    "HS256 with another secret": (
        lambda c, _s: hs256(b"guessed-secret-guessed-secret-12", c),
        "signature does not match",
    ),
    "claims changed after signing": (
        lambda c, s: ".".join(
            [hs256(s, c).split(".")[0], segment(c | {"azp": c["azp"] + "x"}), hs256(s, c).split(".")[2]]
        ),
        "signature does not match",
    ),
    "expired": (lambda c, s: hs256(s, c | {"exp": time.time() - 7200}), "expired"),
    "another aud": (lambda c, s: hs256(s, c | {"aud": "somebody-else"}), "another client than ours"),
    "another iss": (lambda c, s: hs256(s, c | {"iss": "https://evil.example"}), "different login server"),
    "different nonce": (lambda c, s: hs256(s, c | {"nonce": "n0nce-of-another"}), "nonce"),
    "huge": (lambda c, s: hs256(s, c | {"x": "y" * 30_000}), "not a signed"),
    "no consentements": (lambda c, s: hs256(s, without(c, "consentements")), "names no meter"),
    "consentements empty": (lambda c, s: hs256(s, c | {"consentements": "[]"}), "names no meter"),
    "consentements no JSON": (lambda c, s: hs256(s, c | {"consentements": "[{"}), "is not JSON"),
    "consentements a number": (lambda c, s: hs256(s, c | {"consentements": 7}), "names no meter"),
    "bad pce": (
        lambda c, s: hs256(s, c | {"consentements": '[{"pce":"../../x","id_accreditation":"a"}]'}),
        "names no valid meter",
    ),
    "pce a number": (
        lambda c, s: hs256(s, c | {"consentements": '[{"pce":9999990000042,"id_accreditation":"a"}]'}),
        "names no valid meter",
    ),
    "no id_accreditation": (
        lambda c, s: hs256(s, c | {"consentements": f'[{{"pce":"{json.loads(c["consentements"])[0]["pce"]}"}}]'}),
        "no `id_accreditation`",
    ),
}
"""How a token is wrong, and the message. All that the signature and the claims may be: tests/gas/answers."""
VICTIM, BESIDE = "victim-60101", "beside-60102"


@pytest.fixture(scope="module")
def genuine(world: LocalWorld, airflow: Worker) -> tuple[dict[str, Any], Claims]:
    """A new account with its genuine ``id_token`` and nonce, and another account after its first run."""
    connect_cozy(world, BESIDE)
    assert airflow.run(BESIDE).state == "success"
    grant = consent(world.facts, holder(VICTIM))
    document = cozy_account(VICTIM, grant, world.facts)
    document["oauth"]["nonce"] = grant["nonce"]
    claims = jwt.decode(document["oauth_callback_results"]["id_token"], options={"verify_signature": False})
    return document, claims


WHOLE = ("alg none", "expired", "bad pce")
"""Forgeries that are tested with a whole run. The others are tested with the first task only, which ends the run."""


@pytest.mark.parametrize("name", FORGED)
def test_forged_id_token(
    world: LocalWorld, airflow: Worker, steps: Worker, genuine: tuple[dict[str, Any], Claims], name: str
) -> None:
    document, claims = genuine
    forge, cause = FORGED[name]
    token = forge(claims, world.facts["client_secret"].encode())
    world.book.save(document | {"oauth_callback_results": {"id_token": token, "scope": "openid"}})
    before = world.book.get(VICTIM)

    if name in WHOLE:
        run = airflow.run(VICTIM)
        assert run.state == "failed"
        assert run.tasks["acquire_token"] == "failed"
        assert run.tasks["extract"] == "upstream_failed"
    else:
        answer, run = steps.step("acquire", VICTIM, world.control.today())
        assert answer["error"].startswith("IdTokenRefused: "), "a FailNow: not tried again"

    assert run.calls == [], "GRDF was not asked for anything"
    said = re.findall(rf"IdTokenRefused: (Account {VICTIM}: the id_token .*)", run.output)
    assert said, run.output[-2000:]
    assert re.search(f"({cause}).*Nothing was changed\\. (The household|Compare|Check)", said[0]), said
    for part in token.split("."):
        assert len(part) < 20 or part not in run.output, "no part of the token is shown"
    if name == "expired":
        assert secrets_in(world.book.get(VICTIM) or {}) == [], "it can never be used"
    else:
        assert world.book.get(VICTIM) == before, "the account is left as it was"
    assert data_revisions(world, VICTIM) == {}


def test_the_other_account_still_works(world: LocalWorld, airflow: Worker, genuine: Any) -> None:
    assert airflow.run(BESIDE).state == "success"


def test_the_genuine_token_is_taken(world: LocalWorld, airflow: Worker, genuine: Any) -> None:
    """The same document works with GRDF's genuine token, so the forgery was the reason for the refusals."""
    world.book.save(genuine[0])
    run = airflow.run(VICTIM)
    assert run.state == "success", run.output


# -- public keys -------------------------------------------------------------------------------------------------------


@pytest.fixture
def public_keys(world: LocalWorld) -> dict[str, str]:
    """A connection to a login server that signs with RS256, and a sandbox that does so."""
    world.control.set(id_token_alg="RS256")
    connection = json.loads(world.connections()["AIRFLOW_CONN_GRDF_ADICT"])
    connection["extra"] |= {"id_token_algorithms": ["RS256"], "jwks_url": world.facts["jwks_url"]}
    return {"AIRFLOW_CONN_GRDF_ADICT": json.dumps(connection)}


def test_genuine_token_signed_with_a_private_key(
    world: LocalWorld, airflow: Worker, account_id: str, public_keys: dict[str, str]
) -> None:
    (pce,) = connect_code(world, account_id)
    run = airflow.run(account_id, env=public_keys)
    assert run.state == "success", run.output
    assert days(world, account_id, pce)


def test_code_is_not_burnt_while_the_public_keys_cannot_be_read(
    world: LocalWorld, airflow: Worker, account_id: str, public_keys: dict[str, str]
) -> None:
    """A temporary failure must not cost the household its consent, because a code only works once."""
    connect_code(world, account_id)
    world.control.fault("/jwk_uri", status=503, times=1)

    run = airflow.run(
        account_id, env=public_keys | {"AIRFLOW__GRDF__RETRIES": "1", "AIRFLOW__GRDF__RETRY_SECONDS": "1"}
    )

    assert run.state == "success", run.output


@pytest.mark.parametrize("attack", ["HS256 with the published key", "HS256 with the secret", "own key, kid of GRDF"])
def test_attack_on_public_keys(
    world: LocalWorld, airflow: Worker, account_id: str, public_keys: dict[str, str], attack: str
) -> None:
    connect_cozy(world, account_id)
    document = world.book.get(account_id)
    assert document is not None
    genuine = document["oauth_callback_results"]["id_token"]
    claims = jwt.decode(genuine, options={"verify_signature": False})
    (jwk,) = requests.get(world.facts["jwks_url"], timeout=10).json()["keys"]
    published = jwt.PyJWK.from_dict(jwk, "RS256").key
    if attack == "HS256 with the published key":
        pem = published.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        forged = hs256(pem, claims, kid=jwk["kid"])
    elif attack == "HS256 with the secret":
        forged = hs256(world.facts["client_secret"].encode(), claims, kid=jwk["kid"])
    else:
        forged = jwt.encode(claims, ATTACKER, algorithm="RS256", headers={"kid": jwk["kid"]})
    document["oauth_callback_results"]["id_token"] = forged
    world.book.save(document)
    before = world.book.get(account_id)

    run = airflow.run(account_id, env=public_keys)

    assert run.tasks["acquire_token"] == "failed"
    assert f"IdTokenRefused: Account {account_id}: the id_token" in run.output
    assert world.book.get(account_id) == before


def test_forged_token_behind_a_code_waits_until_the_setting_is_corrected(
    world: LocalWorld, airflow: Worker, account_id: str
) -> None:
    connect_code(world, account_id)
    world.control.set(id_token_claims={"aud": "somebody-else", "azp": None})

    run = airflow.run(account_id)

    assert run.tasks["acquire_token"] == "failed"
    assert re.search(f"IdTokenRefused: Account {account_id}: .*another client than ours", run.output)
    after = world.book.get(account_id) or {}
    assert not after.get("state"), "its household has nothing to do with it"
    assert after["oauth_callback_results"]["id_token"], "the code is used up"
    assert "code" not in after["oauth"]


@pytest.mark.parametrize("how", ["used", "unknown", "expired"])
def test_code_that_serves_no_more(world: LocalWorld, airflow: Worker, account_id: str, how: str) -> None:
    if how == "expired":
        world.control.set(code_lifetime_s=0)
    connect_code(world, account_id)
    document = world.book.get(account_id)
    assert document is not None
    if how == "used":
        cozy_account(account_id, document["oauth"], world.facts)
    if how == "unknown":
        document["oauth"]["code"] = "invented-code-invented-code"
        world.book.save(document)

    run = airflow.run(account_id)

    assert run.tasks["acquire_token"] == "failed"
    assert re.search(f"GrantRefused: Account {account_id}: .*invalid_grant.*must connect again", run.output)
    after = world.book.get(account_id) or {}
    assert after["state"] == "USER_ACTION_NEEDED.OAUTH_OUTDATED"
    assert secrets_in(after) == [], "a code that serves no more is not kept"
    assert document["oauth"]["code"] not in run.output
