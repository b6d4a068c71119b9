"""Checks an id_token before any claim in it is trusted.

Our settings decide which algorithms are accepted, not the token. ``none`` is never accepted. HS algorithms are checked
with the client secret only; RS, PS and ES algorithms with a key of the published set (JWKS) only. So a token that is
signed with the *public* key used as a secret is refused, whatever its header says.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import jwt

from include.gas.errors import IdTokenRefused

LEEWAY = 60
LONGEST = 20_000
"""Maximum length in characters. GRDF's id_tokens have about 1,500."""

_KEY_TYPES = {"RS": "RSA", "PS": "RSA", "ES": "EC"}
_SECRET_ALGORITHMS = ("HS256", "HS384", "HS512")
_ASK_AGAIN = (
    "Nothing was changed. The household should connect again from its account page, which brings a fresh token."
)
_SETTINGS = "Nothing was changed. Compare the {setting} with GRDF's documents for the login server in use."


def verify_id_token(
    token: str,
    *,
    account: str | None,
    client_id: str,
    algorithms: Sequence[str],
    key: str | Mapping[str, Any] | None,
    issuer: str | None,
    nonce: str | None,
    now: datetime | None = None,
    leeway: float = LEEWAY,
    jwks: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Check an id_token and return its claims.

    :param token: the token as received
    :param client_id: our client id, which must be the audience
    :param algorithms: the algorithms that we accept, for example ``["HS256"]``; ``none`` is ignored
    :param key: the client secret (HS algorithms) or a JWKS document (RS, PS, ES)
    :param issuer: the exact value that ``iss`` must have; ``None`` skips the check
    :param nonce: the nonce that we sent and that the token must repeat; ``None`` when we sent none
    :param now: an aware datetime; ``None`` for the current time
    :param leeway: seconds by which clocks may differ
    :param jwks: a JWKS document in addition to a secret in ``key``, when both kinds of algorithm are accepted
    :raises IdTokenRefused: if there is any doubt. The message names the account, the cause and the next step, and never
        quotes the token
    """
    if not isinstance(token, str) or len(token) > LONGEST or token.count(".") != 2:
        raise _refused("is not a signed JSON web token", account, _ASK_AGAIN)
    accepted = [name for name in algorithms if isinstance(name, str) and name.lower() != "none"]
    if not accepted:
        raise _refused("cannot be checked, since no algorithm is accepted", account, _setting("`id_token_algorithms`"))
    header = _header(token, account)
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in accepted:
        raise _refused(
            f"is signed with an algorithm that we do not accept (accepted: {', '.join(accepted)})",
            account,
            _setting("`id_token_algorithms`"),
        )
    secret_or_key = _key_for(algorithm, header, key, jwks, account)
    claims = _decode(token, secret_or_key, algorithm, account)
    _check_times(claims, account, (now or datetime.now(UTC)).timestamp(), leeway)
    _check_parties(claims, account, client_id, issuer)
    if nonce is not None and claims.get("nonce") != nonce:
        lacking = "lacks the nonce" if claims.get("nonce") is None else "has a different nonce from the one"
        raise _refused(f"{lacking} we sent: it answers another request", account, _ASK_AGAIN)
    return claims


def _header(token: str, account: str | None) -> dict[str, Any]:
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise _refused("is not a signed JSON web token", account, _ASK_AGAIN) from None
    if header.get("crit"):
        raise _refused("asks for extensions that we do not know (`crit`)", account, _setting("login server"))
    return header


def _key_for(
    algorithm: str,
    header: Mapping[str, Any],
    key: str | Mapping[str, Any] | None,
    jwks: Mapping[str, Any] | None,
    account: str | None,
) -> Any:
    if algorithm in _SECRET_ALGORITHMS:
        if not isinstance(key, str) or not key:
            raise _refused(
                f"is signed with {algorithm}, for which we have no client secret",
                account,
                _setting("`id_token_algorithms`"),
            )
        return key
    kind = _KEY_TYPES.get(algorithm[:2])
    published = jwks if jwks is not None else key
    if kind is None or not isinstance(published, Mapping):
        raise _refused(
            f"is signed with {algorithm}, for which we have no published key", account, _setting("`jwks_url`")
        )
    fitting = [each for each in _keys_of(published) if _fits(each, kind, algorithm)]
    kid = header.get("kid")
    if kid is not None:
        fitting = [each for each in fitting if each.get("kid") == kid]
    if len(fitting) != 1:
        raise _refused("is signed with a key that is not among the published ones", account, _setting("`jwks_url`"))
    try:
        return jwt.PyJWK.from_dict(fitting[0], algorithm).key
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        raise _refused("is signed with a published key that cannot be read", account, _setting("`jwks_url`")) from None


def _keys_of(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    keys = document.get("keys")
    return [dict(each) for each in keys if isinstance(each, Mapping)] if isinstance(keys, list) else []


def _fits(key: Mapping[str, Any], kind: str, algorithm: str) -> bool:
    return key.get("kty") == kind and key.get("use", "sig") == "sig" and key.get("alg", algorithm) == algorithm


def _decode(token: str, key: Any, algorithm: str, account: str | None) -> dict[str, Any]:
    # Only the signature is checked here. The claims are checked later, against a clock that callers can set. Exceptions
    # are not chained, because the library's traceback could show the token.
    options: Any = {"verify_signature": True, **dict.fromkeys(_OWN_CHECKS, False)}
    try:
        with warnings.catch_warnings():
            # GRDF chooses the length of the client secret, so a warning on every run is of no use.
            warnings.simplefilter("ignore", jwt.InsecureKeyLengthWarning)
            claims = jwt.decode(token, key, algorithms=[algorithm], options=options)
    except jwt.InvalidSignatureError:
        raise _refused(
            "is not signed by GRDF: the signature does not match", account, _setting("client secret or `jwks_url`")
        ) from None
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise _refused("cannot be read", account, _ASK_AGAIN) from None
    return dict(claims)


_OWN_CHECKS = ("verify_exp", "verify_nbf", "verify_iat", "verify_aud", "verify_iss", "verify_sub", "verify_jti")


def _check_times(claims: Mapping[str, Any], account: str | None, now: float, leeway: float) -> None:
    ends, made = _seconds(claims.get("exp")), _seconds(claims.get("iat"))
    if ends is None or made is None:
        raise _refused(
            "does not say when it was issued and when it expires (`iat`, `exp`)", account, _setting("login server")
        )
    if now >= ends + leeway:
        raise _refused(f"expired {_ago(now - ends)} ago", account, _ASK_AGAIN, expired=True)
    starts = _seconds(claims["nbf"]) if claims.get("nbf") is not None else made
    if starts is None or max(made, starts) > now + leeway:
        raise _refused(
            "is not valid yet", account, "Nothing was changed. Check the clock of this machine, then try again."
        )


def _check_parties(claims: Mapping[str, Any], account: str | None, client_id: str, issuer: str | None) -> None:
    audience = claims.get("aud")
    listed = audience if isinstance(audience, list) else [audience]
    authorized = claims.get("azp")
    if not client_id or client_id not in listed:
        raise _refused("was issued to another client than ours (`aud`)", account, _setting("login (client id)"))
    if (authorized is not None or len(listed) > 1) and authorized != client_id:
        raise _refused("was issued to another client than ours (`azp`)", account, _setting("login (client id)"))
    if issuer is not None and claims.get("iss") != issuer:
        raise _refused(
            "comes from a different login server than the one configured (`iss`)", account, _setting("`issuer`")
        )


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        seconds = float(value)
    except OverflowError:
        return None
    return seconds if math.isfinite(seconds) else None


def _ago(seconds: float) -> str:
    minutes = int(seconds // 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"


def _setting(name: str) -> str:
    return _SETTINGS.format(setting=name)


def _refused(cause: str, account: str | None, step: str, *, expired: bool = False) -> IdTokenRefused:
    return IdTokenRefused.about(account, f"the id_token {cause}", step, expired=expired)
