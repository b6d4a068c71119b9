"""A genuine ``id_token`` is accepted, and every known kind of forgery is refused with a helpful message."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from include.gas.answers.id_token import verify_id_token
from include.gas.errors import IdTokenRefused

SECRET = "an-invented-client-secret-of-some-length"
ISSUER = "https://login.example:443/openam/oauth2/externeGrdf"
AT = int(time.time())
CLAIMS: dict[str, Any] = {
    "iss": ISSUER, "aud": "client", "azp": "client", "sub": "s", "iat": AT - 60, "exp": AT + 3540, "nonce": "n-1",
    "consentements": '[{"pce":"09900000000017","id_accreditation":"u"}]',
}  # fmt: skip
RSA, OTHER_RSA = (rsa.generate_private_key(65537, 2048) for _ in range(2))
EC = ec.generate_private_key(ec.SECP256R1())


def jwk(key: Any, algorithm: Any, **more: Any) -> dict[str, Any]:
    return {**algorithm.to_jwk(key.public_key(), as_dict=True), "use": "sig", **more}


JWKS = {"keys": [jwk(RSA, RSAAlgorithm, kid="r1", alg="RS256"), jwk(EC, ECAlgorithm, kid="e1")]}
PEM = RSA.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def claims_with(**changes: Any) -> dict[str, Any]:
    """Return the claims with some changed, with times as if this file had been read now: a session takes minutes."""
    moved = int(time.time()) - AT
    times = {name: at + moved for name, at in changes.items() if name in ("iat", "exp", "nbf") and type(at) is int}
    return {name: value for name, value in (CLAIMS | changes | times).items() if value is not ...}


def sign(algorithm: str = "HS256", key: Any = SECRET, headers: dict[str, Any] | None = None, **changes: Any) -> str:
    return jwt.encode(claims_with(**changes), key, algorithm, headers=headers)


def forge(header: dict[str, Any], claims: Any = CLAIMS, key: bytes = b"") -> str:
    """Sign what the library refuses to sign."""

    def part(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    body = part(json.dumps(header).encode()) + "." + part(json.dumps(claims).encode())
    return body + "." + (part(hmac.new(key, body.encode(), hashlib.sha256).digest()) if key else "")


def verify(token: Any, **changes: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "account": "acc-1", "client_id": "client", "algorithms": ["HS256"], "secret": SECRET, "jwks": None,
        "issuer": ISSUER, "nonce": "n-1",
    }  # fmt: skip
    return verify_id_token(token, **(usual | changes))


def refuse(token: Any, cause: str, **changes: Any) -> None:
    with pytest.raises(IdTokenRefused) as caught:
        verify(token, **changes)
    text = str(caught.value)
    assert text.startswith("Account acc-1: the id_token ")
    assert cause in text
    assert ". Nothing was changed. " in text
    assert caught.value.account == "acc-1"
    assert caught.value.state is None
    assert caught.value.__cause__ is None
    assert SECRET not in text
    for part in str(token).split("."):
        assert len(part) < 8 or part not in text


@pytest.mark.filterwarnings("ignore::jwt.InsecureKeyLengthWarning")  # raised when the test itself signs
def test_genuine_tokens() -> None:
    assert verify(sign()) == CLAIMS
    assert verify(sign(key="short"), secret="short") == CLAIMS
    assert verify(sign("RS256", RSA, {"kid": "r1"}), algorithms=["RS256"], secret=None, jwks=JWKS) == CLAIMS
    assert verify(sign("RS256", RSA), algorithms=["RS256"], secret=None, jwks=JWKS) == CLAIMS
    assert verify(sign("ES256", EC, {"kid": "e1"}), algorithms=["RS256", "ES256"], secret=None, jwks=JWKS) == CLAIMS
    both = {"algorithms": ["HS256", "RS256"], "jwks": JWKS}
    assert verify(sign(), **both) == verify(sign("RS256", RSA), **both) == CLAIMS


def test_lenient_where_it_is_meant_to_be() -> None:
    assert verify(sign(aud=["client", "x"]))
    assert verify(sign(aud=["client"], azp=...))
    assert verify(sign(azp=...))
    assert verify(sign(iss="other"), issuer=None)
    assert verify(sign(nonce=...), nonce=None)
    assert verify(sign(nonce="unasked"), nonce=None)
    assert verify(sign(exp=AT - 30))
    assert verify(sign(iat=AT + 30))


@pytest.mark.parametrize("name", ["none", "None", "NONE"])
@pytest.mark.parametrize("algorithms", [["HS256"], ["none", "HS256"], ["HS256", "NONE", "None"]])
def test_alg_none(name: str, algorithms: list[str]) -> None:
    refuse(
        forge({"alg": name}),
        "is signed with an algorithm that we do not accept (accepted: HS256)",
        algorithms=algorithms,
    )
    refuse(forge({"alg": name}, key=SECRET.encode()), "algorithm that we do not accept", algorithms=algorithms)


@pytest.mark.parametrize("algorithms", [[], ["none"], ["NONE"], [None]])
def test_no_algorithm_accepted(algorithms: list[Any]) -> None:
    refuse(sign(), "cannot be checked, since no algorithm is accepted", algorithms=algorithms)
    refuse(forge({"alg": "none"}), "cannot be checked, since no algorithm is accepted", algorithms=algorithms)


@pytest.mark.parametrize("secret", [PEM, PEM.strip(), PEM.replace(b"\n", b""), json.dumps(JWKS).encode()])
@pytest.mark.parametrize("header", [{"alg": "HS256"}, {"alg": "HS256", "kid": "r1"}])
def test_the_public_key_is_no_secret(secret: bytes, header: dict[str, Any]) -> None:
    forged = forge(header, key=secret)
    refuse(forged, "algorithm that we do not accept (accepted: RS256)", algorithms=["RS256"], secret=None, jwks=JWKS)
    refuse(
        forged,
        "is signed with HS256, for which we have no client secret",
        algorithms=["HS256", "RS256"],
        secret=None,
        jwks=JWKS,
    )
    refuse(forged, "the signature does not match", algorithms=["HS256", "RS256"], jwks=JWKS)


def test_a_secret_is_no_public_key() -> None:
    refuse(sign("RS256", RSA), "for which we have no published key", algorithms=["HS256", "RS256"])
    refuse(sign("RS256", RSA), "for which we have no published key", algorithms=["RS256"], secret=PEM.decode())
    octets = {"keys": [{"kty": "oct", "k": base64.urlsafe_b64encode(SECRET.encode()).decode(), "kid": "r1"}]}
    refuse(
        sign(headers={"kid": "r1"}),
        "for which we have no client secret",
        algorithms=["HS256"],
        secret=None,
        jwks=octets,
    )
    refuse(
        sign("RS256", RSA, {"kid": "r1"}),
        "not among the published ones",
        algorithms=["RS256"],
        secret=None,
        jwks=octets,
    )


def test_wrong_keys() -> None:
    refuse(sign(key="another-secret-that-is-long-enough!"), "is not signed by GRDF: the signature does not match")
    refuse(sign("HS512", SECRET * 2), "algorithm that we do not accept")
    refuse(
        sign("RS256", OTHER_RSA, {"kid": "r1"}),
        "the signature does not match",
        algorithms=["RS256"],
        secret=None,
        jwks=JWKS,
    )
    refuse(
        sign("RS256", RSA, {"kid": "r9"}), "not among the published ones", algorithms=["RS256"], secret=None, jwks=JWKS
    )
    refuse(
        sign("RS512", RSA, {"kid": "r1"}), "not among the published ones", algorithms=["RS512"], secret=None, jwks=JWKS
    )
    refuse(sign(), "for which we have no client secret", secret="")
    refuse(sign(), "for which we have no client secret", secret=None)
    for keys in ({}, {"keys": None}, {"keys": [7]}, {"keys": []}):
        refuse(sign("RS256", RSA), "not among the published ones", algorithms=["RS256"], secret=None, jwks=keys)
    broken = {"keys": [{"kty": "RSA", "kid": "r1", "n": "AQAB"}]}
    refuse(sign("RS256", RSA), "not among the published ones", algorithms=["RS256"], secret=None, jwks=broken)
    cipher = {"keys": [jwk(RSA, RSAAlgorithm, use="enc")]}
    refuse(sign("RS256", RSA), "not among the published ones", algorithms=["RS256"], secret=None, jwks=cipher)
    refuse(
        sign("RS256", RSA),
        "not among the published ones",
        algorithms=["RS256"],
        secret=None,
        jwks={"keys": JWKS["keys"][:1] * 2},
    )


@pytest.mark.parametrize(
    "header", [{"jwk": JWKS["keys"][0]}, {"jku": "https://evil.example/keys"}, {"x5u": "https://evil.example"}]
)
def test_keys_that_the_token_brings_are_not_used(header: dict[str, Any]) -> None:
    refuse(
        sign("RS256", OTHER_RSA, header), "the signature does not match", algorithms=["RS256"], secret=None, jwks=JWKS
    )


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"exp": AT - 61}, "has expired"), ({"exp": True}, "has expired"), ({"exp": ...}, "lacks one of the claims"),
        ({"iat": ...}, "lacks one of the claims"), ({"exp": "soon"}, "cannot be read"),
        ({"exp": float("inf")}, "cannot be read"), ({"iat": AT + 90}, "is not valid yet"),
        ({"nbf": AT + 90}, "is not valid yet"), ({"nbf": "later"}, "cannot be read"),
        ({"aud": "other"}, "another client than ours (`aud`)"), ({"aud": ...}, "`aud`"),
        ({"aud": "clientele"}, "(`aud`)"), ({"aud": ["other"]}, "(`aud`)"), ({"aud": {"client": 1}}, "(`aud`)"),
        ({"aud": [["client"]]}, "(`aud`)"), ({"aud": ["client", "other"], "azp": ...}, "(`azp`)"),
        ({"azp": "other"}, "(`azp`)"),
        ({"iss": ISSUER.replace(":443", "")}, "a different login server than the one configured (`iss`)"),
        ({"iss": ...}, "`iss`"), ({"iss": [ISSUER]}, "(`iss`)"), ({"nonce": ...}, "lacks the nonce we sent"),
        ({"nonce": None}, "lacks the nonce we sent"),
        ({"nonce": "n-2"}, "has a different nonce from the one we sent"),
        ({"nonce": ["n-1"]}, "has a different nonce"),
    ],
)  # fmt: skip
def test_wrong_claims(changes: dict[str, Any], cause: str) -> None:
    refuse(forge({"alg": "HS256"}, claims_with(**changes), SECRET.encode()), cause)


def test_an_empty_client_id_matches_nothing() -> None:
    refuse(sign(aud="", azp=...), "`aud`", client_id="")


@pytest.mark.parametrize(
    "token",
    [
        "", "abc", "a.b", "a.b.c", "...", "a.b.c.d.e", None, 7, b"a.b.c", "é.é.é", "x" * 30_000, ".".join(["eyJ9"] * 3),
        forge({"alg": ["HS256"]}), forge({"alg": None}), forge({}), "bnVsbA.bnVsbA.bnVsbA", "W10.W10.W10",
        forge({"alg": "HS256", "crit": ["b64"], "b64": False}, key=SECRET.encode()),
        forge({"alg": "HS256"}, [1], SECRET.encode()), forge({"alg": "HS256"}, "text", SECRET.encode()),
    ],
)  # fmt: skip
def test_garbage(token: Any) -> None:
    refuse(token, "")


def test_what_can_never_be_accepted_is_told_from_what_a_setting_refuses() -> None:
    unusable = ["?", sign()[:200], sign()[:-2], sign(exp=AT - 61), sign(exp=AT - 61, key="another" * 8)]
    kept = [sign(key="another" * 8), sign(aud="somebody"), sign(nonce="n-2")]
    for token in unusable + kept:
        with pytest.raises(IdTokenRefused) as caught:
            verify(token)
        assert caught.value.unusable is (token in unusable), token
    with pytest.raises(IdTokenRefused) as caught:
        verify(sign(exp=AT - 61), nonce="n-2", leeway=float("inf"))
    assert not caught.value.unusable, "its age does not count"


@given(st.integers(0, 400), st.integers(1, 63))
def test_any_flipped_letter_is_refused(place: int, by: int) -> None:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    token = sign()
    place %= len(token) - 1  # some bits of the last letter have no meaning
    if token[place] == ".":
        return
    other = letters[(letters.index(token[place]) + by) % 64]
    with pytest.raises(IdTokenRefused):
        verify(token[:place] + other + token[place + 1 :])
