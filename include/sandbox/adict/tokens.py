"""Access tokens and authorization codes: kept as SHA-256 only, with an end on the sandbox's clock."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from .store import Store, fingerprint


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of an access token.

    :param scope: as answered: ``openid``, or the API path followed by the user and the company.
    :param grant_type: ``client_credentials`` or ``authorization_code``.
    """

    client_id: str
    scope: str
    grant_type: str


@dataclass(frozen=True, slots=True)
class Code:
    """What an authorization code stands for.

    :param right_ids: ``id_droit_acces`` of the rights that the holder just made.
    :param auth_time: epoch seconds at which the holder consented.
    :param code_challenge: PKCE's challenge, if one was sent.
    :param code_challenge_method: and its method.
    """

    client_id: str
    redirect_uri: str
    scope: str
    nonce: str | None
    subject: str
    right_ids: tuple[str, ...]
    auth_time: int
    code_challenge: str | None = None
    code_challenge_method: str | None = None


def save_token(store: Store, text: str, token: Token, expires: datetime, code: str | None = None) -> None:
    """Keep a new access token.

    :param store: the state.
    :param text: the token.
    :param expires: its end, aware.
    :param code: the authorization code it was given for.
    """
    store.run(
        "INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?)",
        fingerprint(text),
        token.client_id,
        token.scope,
        token.grant_type,
        expires.timestamp(),
        fingerprint(code) if code else None,
    )


def find_token(store: Store, text: str, now: datetime) -> Token | None:
    """Return what is known of a token that is not over.

    :param store: the state.
    :param text: the token.
    :param now: the sandbox's instant.
    """
    rows = store.rows(
        "SELECT client_id, scope, grant_type FROM tokens WHERE hash = ? AND expires > ?",
        fingerprint(text),
        now.timestamp(),
    )
    return Token(*rows[0]) if rows else None


def save_code(store: Store, text: str, code: Code, expires: datetime) -> None:
    """Keep a new authorization code.

    :param store: the state.
    :param text: the code.
    :param code: what it stands for.
    :param expires: its end, aware.
    """
    store.run("INSERT INTO codes VALUES (?, ?, ?, 0)", fingerprint(text), json.dumps(asdict(code)), expires.timestamp())


def use_code(store: Store, text: str, client_id: str, now: datetime) -> Code | None:
    """Take an authorization code, once. A second use also ends the tokens that the first one gave (RFC 6749 4.1.2).

    The code is burnt even when the rest of the request turns out wrong, as a stolen code would be tried.

    :param store: the state.
    :param text: the code.
    :param client_id: who presents it.
    :param now: the sandbox's instant.
    :returns: None when it is unknown, over, used or another client's.
    """
    key = fingerprint(text)
    with store.lock:
        rows = store.rows("SELECT body, expires, used FROM codes WHERE hash = ?", key)
        if not rows:
            return None
        fields: dict[str, Any] = json.loads(rows[0][0])
        if fields["client_id"] != client_id:
            return None
        if rows[0][2]:
            store.run("DELETE FROM tokens WHERE code_hash = ?", key)
            return None
        store.run("UPDATE codes SET used = 1 WHERE hash = ?", key)
    if rows[0][1] <= now.timestamp():
        return None
    return Code(**fields | {"right_ids": tuple(fields["right_ids"])})
