"""A genuine ``id_token`` is accepted, and every known kind of forgery is refused with a helpful message."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from include.gas.answers.id_token import LONGEST, Claim, parse_claims, verify_id_token
from include.gas.errors import OAUTH_OUTDATED, IdTokenRefused, IdTokenUnusable

SECRET = "an-invented-client-secret-of-some-length"
ISSUER = "https://login.example:443/openam/oauth2/externeGrdf"
TIMES = {"iat": -60, "exp": 3540}
CLAIMS: dict[str, Any] = {
    "iss": ISSUER, "aud": "client", "azp": "client", "sub": "s", "nonce": "n-1", **TIMES,
    "consentements": '[{"pce":"09900000000017","id_accreditation":"u"}]',
}  # fmt: skip
RSA, OTHER_RSA = (rsa.generate_private_key(65537, 2048) for _ in range(2))
EC = ec.generate_private_key(ec.SECP256R1())


def jwk(key: Any, algorithm: Any, **more: Any) -> dict[str, Any]:
    return {**algorithm.to_jwk(key.public_key(), as_dict=True), "use": "sig", **more}


JWKS = {"keys": [jwk(RSA, RSAAlgorithm, kid="r1", alg="RS256"), jwk(EC, ECAlgorithm, kid="e1")]}
PEM = RSA.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
BY_KEYS: dict[str, Any] = {"algorithms": ["RS256", "ES256"], "secret": None, "jwks": JWKS}


def claims_with(**changes: Any) -> dict[str, Any]:
    """Numbers for times are seconds from now, and ``...`` leaves a claim out."""
    now = int(time.time())
    claims = {name: value for name, value in (CLAIMS | changes).items() if value is not ...}
    return claims | {
        name: claims[name] + now for name in ("iat", "exp", "nbf") if type(claims.get(name)) in (int, float)
    }


def sign(algorithm: str = "HS256", key: Any = SECRET, headers: dict[str, Any] | None = None, **changes: Any) -> str:
    return jwt.encode(claims_with(**changes), key, algorithm, headers=headers)


def by_rsa(key: Any = RSA, algorithm: str = "RS256", **headers: Any) -> str:
    return sign(algorithm, key, headers)


def forge(header: dict[str, Any], claims: Any = None, key: bytes = b"") -> str:
    """Sign what the library refuses to sign."""

    def part(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    said = claims_with() if claims is None else claims
    body = part(json.dumps(header).encode()) + "." + part(json.dumps(said).encode())
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
    is_lost = isinstance(caught.value, IdTokenUnusable)
    assert (". It can never be accepted, and is not kept. " if is_lost else ". Nothing was changed. ") in text
    state = OAUTH_OUTDATED if is_lost else None
    assert (caught.value.account, caught.value.state, caught.value.__cause__) == ("acc-1", state, None)
    assert SECRET not in text
    assert not any(len(part) >= 8 and part in text for part in str(token).split("."))


@pytest.mark.filterwarnings("ignore::jwt.InsecureKeyLengthWarning")  # raised when the test itself signs
def test_genuine_tokens() -> None:
    claims = claims_with()
    assert verify(jwt.encode(claims, SECRET, "HS256")) == claims
    assert verify(sign(key="short"), secret="short")
    for token in by_rsa(kid="r1"), by_rsa(), sign("ES256", EC, {"kid": "e1"}):
        assert verify(token, **BY_KEYS)["sub"] == "s"
    for token in sign(), by_rsa():
        assert verify(token, algorithms=["HS256", "RS256"], jwks=JWKS)["sub"] == "s"
    for changes, settings in (  # lenient where it is meant to be
        ({"aud": ["client", "x"]}, {}), ({"aud": ["client"], "azp": ...}, {}), ({"azp": ...}, {}), ({"exp": -30}, {}),
        ({"iss": "other"}, {"issuer": None}), ({"nonce": ...}, {"nonce": None}), ({"nonce": "n-9"}, {"nonce": None}),
        ({"iat": 30}, {}), ({"sub": 7}, {}),
    ):  # fmt: skip
        assert verify(sign(**changes), **settings)


@pytest.mark.parametrize("name", ["none", "NONE"])
@pytest.mark.parametrize("algorithms", [["none", "HS256"], ["HS256", "NONE", "None"], ["none"], [], [None]])
def test_alg_none(name: str, algorithms: list[Any]) -> None:
    cause = "(accepted: HS256)" if "HS256" in algorithms else "no algorithm is accepted"
    for token in forge({"alg": name}), forge({"alg": name}, key=SECRET.encode()):
        refuse(token, cause, algorithms=algorithms)
    if "HS256" not in algorithms:
        refuse(sign(), cause, algorithms=algorithms)


@pytest.mark.parametrize("secret", [PEM, PEM.replace(b"\n", b""), json.dumps(JWKS).encode()])
@pytest.mark.parametrize("header", [{"alg": "HS256"}, {"alg": "HS256", "kid": "r1"}])
def test_the_public_key_is_no_secret(secret: bytes, header: dict[str, Any]) -> None:
    forged, both = forge(header, key=secret), {"algorithms": ["HS256", "RS256"], "jwks": JWKS}
    refuse(forged, "(accepted: RS256, ES256)", **BY_KEYS)
    refuse(forged, "is signed with HS256, for which we have no client secret", **both, secret=None)
    refuse(forged, "the signature does not match", **both)


OCTETS = {"keys": [{"kty": "oct", "k": base64.urlsafe_b64encode(SECRET.encode()).decode(), "kid": "r1"}]}
UNKNOWN, NO_SECRET, NO_KEY = "not among the published ones", "we have no client secret", "we have no published key"


@pytest.mark.parametrize(
    ("token", "cause", "changes"),
    [
        (by_rsa, NO_KEY, {"algorithms": ["HS256", "RS256"]}),
        (by_rsa, NO_KEY, {"algorithms": ["RS256"], "secret": PEM.decode()}),
        (lambda: sign(headers={"kid": "r1"}), NO_SECRET, {"secret": None, "jwks": OCTETS}),
        (lambda: by_rsa(kid="r1"), UNKNOWN, BY_KEYS | {"jwks": OCTETS}),
        (lambda: sign(key="another-secret-that-is-long-enough!"), "not signed by GRDF: the signature", {}),
        (lambda: sign("HS512", SECRET * 2), "algorithm that we do not accept", {}),
        (lambda: by_rsa(OTHER_RSA, kid="r1"), "the signature does not match", BY_KEYS),
        (lambda: by_rsa(kid="r9"), UNKNOWN, BY_KEYS),
        (lambda: by_rsa(algorithm="RS512", kid="r1"), UNKNOWN, BY_KEYS | {"algorithms": ["RS512"]}),
        (sign, NO_SECRET, {"secret": ""}),
        (sign, NO_SECRET, {"secret": None}),
        *[
            (by_rsa, UNKNOWN, BY_KEYS | {"jwks": keys})
            for keys in ({}, *({"keys": each} for each in (None, [7], [], JWKS["keys"][:1] * 2,
                         [{"kty": "RSA", "kid": "r1", "n": "AQAB"}], [jwk(RSA, RSAAlgorithm, use="enc")])))
        ],
        # Keys that the token brings are not used.
        (lambda: by_rsa(OTHER_RSA, jwk=JWKS["keys"][0]), "the signature does not match", BY_KEYS),
        (lambda: by_rsa(OTHER_RSA, jku="https://evil.example/keys"), "the signature does not match", BY_KEYS),
        (lambda: by_rsa(OTHER_RSA, x5u="https://evil.example"), "the signature does not match", BY_KEYS),
        (lambda: sign(aud="", azp=...), "`aud`", {"client_id": ""}),
    ],
)  # fmt: skip
def test_wrong_keys(token: Callable[[], str], cause: str, changes: dict[str, Any]) -> None:
    refuse(token(), cause, **changes)


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"exp": -61}, "has expired"), ({"exp": True}, "has expired"), ({"exp": ...}, "lacks one of the claims"),
        ({"iat": ...}, "lacks one of the claims"), ({"exp": "soon"}, "cannot be read"),
        ({"exp": float("inf")}, "cannot be read"), ({"iat": 90}, "is not valid yet"),
        ({"nbf": 90}, "is not valid yet"), ({"nbf": "later"}, "cannot be read"),
        ({"aud": "other"}, "another client than ours (`aud`)"), ({"aud": ...}, "`aud`"),
        ({"aud": "clientele"}, "(`aud`)"), ({"aud": ["other"]}, "(`aud`)"), ({"aud": {"client": 1}}, "(`aud`)"),
        ({"aud": [["client"]]}, "(`aud`)"), ({"aud": ["client", "other"], "azp": ...}, "(`azp`)"),
        ({"azp": "other"}, "(`azp`)"),
        ({"iss": ISSUER.replace(":443", "")}, "a different login server than the one configured (`iss`)"),
        ({"iss": ...}, "`iss`"), ({"iss": [ISSUER]}, "(`iss`)"), ({"nonce": ...}, "lacks the nonce we sent"),
        ({"nonce": None}, "lacks the nonce we sent"), ({"nonce": "n-2"}, "has a different nonce from the one we sent"),
        ({"nonce": ["n-1"]}, "has a different nonce"),
    ],
)  # fmt: skip
def test_wrong_claims(changes: dict[str, Any], cause: str) -> None:
    refuse(forge({"alg": "HS256"}, claims_with(**changes), SECRET.encode()), cause)


def test_garbage() -> None:
    for token in (
        "", "abc", "a.b.c", "a.b.c.d.e", None, 7, b"a.b.c", "é.é.é", "x" * 30_000, forge({"alg": ["HS256"]}), forge({}),
        forge({"alg": "HS256", "crit": ["b64"], "b64": False}, key=SECRET.encode()), "bnVsbA.bnVsbA.bnVsbA",
        forge({"alg": "HS256"}, [1], SECRET.encode()), forge({"alg": None}), "W10.W10.W10", ".".join(["eyJ9"] * 3),
    ):  # fmt: skip
        refuse(token, "")


def test_a_token_has_a_longest_length() -> None:
    room = LONGEST - len(sign(more=""))
    assert verify(sign(more="x" * (room * 3 // 4 - 2)))
    refuse(sign(more="x" * room), "is not a signed JSON web token")


def test_what_can_never_be_accepted_is_apart_from_what_a_setting_refuses() -> None:
    unusable = ["?", sign()[:200], sign()[:-2], sign(exp=-61), sign(exp=-61, key="another" * 8)]
    kept = [sign(key="another" * 8), sign(aud="somebody"), sign(nonce="n-2")]
    for token in unusable + kept:
        with pytest.raises(IdTokenRefused) as caught:
            verify(token)
        assert caught.value.unusable is (token in unusable), token
    with pytest.raises(IdTokenRefused) as caught:
        verify(sign(exp=-61), nonce="n-2", leeway=float("inf"))
    assert not caught.value.unusable, "its age does not count"


PCE, GI = "09900000000017", "GI000042"
ENTRY, SECOND = {"pce": PCE, "id_accreditation": "u"}, {"pce": GI, "id_accreditation": "v"}


@pytest.mark.parametrize(
    ("said", "claims"),
    [
        ([ENTRY, SECOND], (Claim(PCE, "u"), Claim(GI, "v"))), (json.dumps([ENTRY]), (Claim(PCE, "u"),)),
        (ENTRY, (Claim(PCE, "u"),)), ([ENTRY, ENTRY | {"id_accreditation": "w"}], (Claim(PCE, "w"),)),
        ("[", "is not JSON"), ("[" * 100_000, "is not JSON"), ([], "no meter"), (None, "no meter"), (7, "no meter"),
        ([ENTRY, 7], "entry 2 .* names no valid meter"), ([ENTRY | {"pce": "x"}], "entry 1 .* valid meter"),
        ([{"pce": PCE}], "entry 1 .* has no `id_accreditation`"),
    ],
    ids=lambda each: str(each)[:40],
)  # fmt: skip
def test_the_meters_of_a_genuine_token(said: Any, claims: Any) -> None:
    if isinstance(claims, tuple):
        assert parse_claims({"consentements": said}, account="a") == claims
        return
    with pytest.raises(IdTokenRefused, match=f"^Account a: .*{claims}.* Nothing was changed"):
        parse_claims({"consentements": said}, account="a")
