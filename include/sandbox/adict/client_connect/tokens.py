"""Access tokens and codes, stored as SHA-256, expiring by the sandbox's clock."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from include.sandbox.adict.store import Store, fingerprint


@dataclass(frozen=True, slots=True)
class Token:
    """The data of an access token."""

    client_id: str
    scope: str
    grant_type: str


@dataclass(frozen=True, slots=True)
class Code:
    """An authorization code with Authlib's interface; ``subject`` is the holder's e-mail address."""

    client_id: str
    redirect_uri: str
    scope: str
    nonce: str | None
    subject: str
    right_ids: tuple[str, ...]
    auth_time: int
    code_challenge: str | None = None
    code_challenge_method: str | None = None

    def get_redirect_uri(self) -> str:
        """Return the address to which it was sent."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """Return the scope that it gives."""
        return self.scope


def save_token(store: Store, text: str, token: Token, expires: datetime, code: str | None = None) -> None:
    """Store a new access token."""
    until, of_code = expires.timestamp(), fingerprint(code) if code else None
    values = (fingerprint(text), token.client_id, token.scope, token.grant_type, until, of_code)
    store.run("INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?)", *values)


def find_token(store: Store, text: str, now: datetime) -> Token | None:
    """Return a token's data, if it is known and not expired."""
    query = "SELECT client_id, scope, grant_type FROM tokens WHERE hash = ? AND expires > ?"
    rows = store.rows(query, fingerprint(text), now.timestamp())
    return Token(*rows[0]) if rows else None


def save_code(store: Store, text: str, code: Code, expires: datetime) -> None:
    """Store a new authorization code."""
    store.run("INSERT INTO codes VALUES (?, ?, ?, 0)", fingerprint(text), json.dumps(asdict(code)), expires.timestamp())


def use_code(store: Store, text: str, client_id: str, now: datetime) -> Code | None:
    """Use a code, once, even in an invalid request; a second use ends the first one's tokens (RFC 6749, 4.1.2)."""
    key = fingerprint(text)
    with store.lock:
        rows = store.rows("SELECT body, expires, used FROM codes WHERE hash = ?", key)
        fields: dict[str, Any] = json.loads(rows[0][0]) if rows else {}
        if fields.get("client_id") != client_id:
            return None
        if rows[0][2]:
            store.run("DELETE FROM tokens WHERE code_hash = ?", key)
            return None
        store.run("UPDATE codes SET used = 1 WHERE hash = ?", key)
    if rows[0][1] <= now.timestamp():
        return None
    return Code(**fields | {"right_ids": tuple(fields["right_ids"])})
