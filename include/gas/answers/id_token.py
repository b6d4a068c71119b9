"""The ``id_token`` of a consent: its check, then the meters that it names.

Our settings decide on the algorithms, never the token. HS is checked with the client secret only; RS, PS and ES with a
published key (JWKS) only: a token signed with the *public* key as a secret is refused.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jwt

from include.gas.answers.access_rights import is_pce
from include.gas.answers.french_words import text_of
from include.gas.errors import IdTokenRefused, IdTokenUnusable

CLAIM = "consentements"
"""The claim with the meters: a string of JSON."""

LEEWAY = 60
LONGEST = 20_000
"""In characters; GRDF's have about 1,500."""

_ODD = (jwt.PyJWTError, ValueError, TypeError, RecursionError)
"""What the library raises for tokens and keys of any shape."""
_AGAIN = "The household should connect again from its account page, which brings a fresh token."
_COMPARE = "Compare the {} with GRDF's documents for the login server in use."
_ALGORITHMS, _KEYS, _CLIENT = map(_COMPARE.format, ("`id_token_algorithms`", "`jwks_url`", "login (client id)"))
_SERVER = _COMPARE.format("login server")
_CAUSES: tuple[tuple[type[Exception], str, str], ...] = (
    (jwt.ExpiredSignatureError, "has expired", _AGAIN),
    (jwt.ImmatureSignatureError, "is not valid yet", "Check the clock of this machine, then try again."),
    (
        jwt.InvalidSignatureError,
        "is not signed by GRDF: the signature does not match",
        _COMPARE.format("client secret or `jwks_url`"),
    ),
    (jwt.InvalidAudienceError, "was issued to another client than ours (`aud`)", _CLIENT),
    (
        jwt.InvalidIssuerError,
        "comes from a different login server than the one configured (`iss`)",
        _COMPARE.format("`issuer`"),
    ),
    (jwt.MissingRequiredClaimError, "lacks one of the claims `iss`, `aud`, `iat` and `exp`", _SERVER),
    (Exception, "cannot be read", _AGAIN),
)
"""What the library's exceptions mean, and what to do. The first match counts."""


class _Doubted(Exception):
    """A reason to refuse a token, and what to do."""


class Claim(NamedTuple):
    """A meter and GRDF's id of the right to it (``id_accreditation``, also ``id_droit_acces``)."""

    pce: str
    right: str


def verify_id_token(
    token: str,
    *,
    account: str | None,
    client_id: str,
    algorithms: Sequence[str],
    secret: str | None,
    jwks: Mapping[str, Any] | None,
    issuer: str | None,
    nonce: str | None,
    leeway: float = LEEWAY,
) -> dict[str, Any]:
    """Check an id_token and return its claims.

    :param algorithms: for example ``["HS256"]``; ``none`` is ignored
    :param jwks: a JWKS document, for RS, PS and ES; ``secret`` is for HS
    :param issuer: ``None`` skips the check
    :param leeway: seconds by which clocks may differ
    :raises IdTokenUnusable: if it can never be accepted, without quoting it
    :raises IdTokenRefused: on any other doubt
    """
    try:
        algorithm, key = _algorithm_and_key(token, algorithms, secret, jwks)
        claims = _decoded(token, key, algorithm, client_id, issuer, leeway)
        _check_client_and_nonce(claims, client_id, nonce)
        return claims
    except _Doubted as doubt:  # not chained: its traceback could show the token
        cause, step = doubt.args
        if _is_never_valid(token, leeway):
            steps = step if step == _AGAIN else f"{step} {_AGAIN}"
            what = f"It can never be accepted, and is not kept. {steps}"
            raise IdTokenUnusable.about(account, f"the id_token {cause}", what) from None
        raise IdTokenRefused.about(account, f"the id_token {cause}", f"Nothing was changed. {step}") from None


def parse_claims(claims: Mapping[str, Any], *, account: str | None = None) -> tuple[Claim, ...]:
    """Return one claim per meter of a **verified** id_token; the last entry of a meter counts.

    :raises IdTokenRefused: if there is no entry or an unreadable one: some meters would pass for all
    """

    def refused(cause: str) -> IdTokenRefused:
        step = "Nothing was changed. The household should consent again and choose a meter; if it did, tell GRDF."
        return IdTokenRefused.about(account, f"the id_token is genuine but its {cause}", step)

    entries = claims.get(CLAIM)
    if isinstance(entries, str):
        try:
            entries = json.loads(entries)
        except (ValueError, RecursionError):
            raise refused("claim `consentements` is not JSON") from None
    if isinstance(entries, Mapping):
        entries = [entries]
    if not isinstance(entries, list) or not entries:
        raise refused("claim `consentements` names no meter")
    found: dict[str, Claim] = {}
    for number, entry in enumerate(entries, start=1):
        consent = entry if isinstance(entry, Mapping) else {}
        pce, right = text_of(consent.get("pce")), text_of(consent.get("id_accreditation"))
        if not is_pce(pce):
            raise refused(f"entry {number} of claim `consentements` names no valid meter")
        if not right:
            raise refused(f"entry {number} of claim `consentements` has no `id_accreditation`")
        found[pce] = Claim(pce, right)
    return tuple(found.values())


def _is_never_valid(token: str, leeway: float) -> bool:
    try:
        jwt.decode(token, options={"verify_signature": False, "verify_exp": True}, leeway=leeway)
    except _ODD:
        return True
    return False


def _algorithm_and_key(
    token: str, algorithms: Sequence[str], secret: str | None, jwks: Mapping[str, Any] | None
) -> tuple[str, Any]:
    accepted = [name for name in algorithms if isinstance(name, str) and name.lower() != "none"]
    if not accepted:
        raise _Doubted("cannot be checked, since no algorithm is accepted", _ALGORITHMS)
    try:
        header = jwt.get_unverified_header(token if len(token) <= LONGEST else "")
    except _ODD:
        raise _Doubted("is not a signed JSON web token", _AGAIN) from None
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in accepted:
        said = f"is signed with an algorithm that we do not accept (accepted: {', '.join(accepted)})"
        raise _Doubted(said, _ALGORITHMS)
    if algorithm.startswith("HS"):
        if not secret:
            raise _Doubted(f"is signed with {algorithm}, for which we have no client secret", _ALGORITHMS)
        return algorithm, secret
    if jwks is None:
        raise _Doubted(f"is signed with {algorithm}, for which we have no published key", _KEYS)
    return algorithm, _published_key(jwks, algorithm, header.get("kid"))


def _published_key(jwks: Mapping[str, Any], algorithm: str, kid: object) -> Any:
    """Return the token's key. The library skips keys that it cannot read, and fails without any."""
    try:
        keys = jwt.PyJWKSet.from_dict(dict(jwks)).keys
    except _ODD:
        keys = []
    of_algorithm = [key for key in keys if key.algorithm_name == algorithm and key.public_key_use in (None, "sig")]
    fitting = [key for key in of_algorithm if kid in (None, key.key_id)]
    if len(fitting) != 1:
        raise _Doubted("is signed with a key that is not among the published ones", _KEYS)
    return fitting[0].key


def _decoded(token: str, key: Any, algorithm: str, client_id: str, issuer: str | None, leeway: float) -> dict[str, Any]:
    options: Any = {"require": ["exp", "iat", "aud"], "verify_iss": issuer is not None, "verify_sub": False}
    try:
        with warnings.catch_warnings():
            # GRDF chooses the length of the client secret, so a warning on every run is of no use.
            warnings.simplefilter("ignore", jwt.InsecureKeyLengthWarning)
            return dict(jwt.decode(token, key, [algorithm], options, audience=client_id, issuer=issuer, leeway=leeway))
    except _ODD as error:
        cause, step = next((cause, step) for kind, cause, step in _CAUSES if isinstance(error, kind))
        raise _Doubted(cause, step) from None


def _check_client_and_nonce(claims: Mapping[str, Any], client_id: str, nonce: str | None) -> None:
    """Check what the library does not: the authorized party among several clients, and our nonce."""
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if (several or claims.get("azp") is not None) and claims.get("azp") != client_id:
        raise _Doubted("was issued to another client than ours (`azp`)", _CLIENT)
    if nonce is not None and claims.get("nonce") != nonce:
        lacking = "lacks the nonce" if claims.get("nonce") is None else "has a different nonce from the one"
        raise _Doubted(f"{lacking} we sent: it answers another request", _AGAIN)
