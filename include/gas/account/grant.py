"""The grant of an account: an ``id_token``, or a code to exchange for one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from include.gas.account.document_sections import object_or_empty
from include.gas.documents.day_documents import Document
from include.gas.errors import BadAccount

OAUTH, RESULTS = "oauth", "oauth_callback_results"
"""Keys of the account document: cozy-stack's OAuth flow, and its result."""

_SECRET_WORDS = ("token", "secret", "password", "nonce", "code", "expires")


@dataclass(frozen=True, slots=True)
class Grant:
    """What a consent has brought: a code, which works once for minutes, or its ``id_token``, unchecked."""

    token: str = field(default="", repr=False)
    code: str = field(default="", repr=False)
    redirect_uri: str | None = None
    nonce: str | None = field(default=None, repr=False)


def oauth_results(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the result of the OAuth flow; empty if there is none or it is not an object."""
    return object_or_empty(document.get(RESULTS))


def grant_in(document: Mapping[str, Any], account: str) -> Grant | None:
    """Return the grant in an account document; ``BadAccount`` if a value is not an object or a text."""
    oauth, results = object_at(document, OAUTH, account), object_at(document, RESULTS, account)
    nonce = text_at(oauth, "nonce", account)
    code = text_at(oauth, "code", account)
    if code is not None:  # newer than any id_token: the exchange removes the code
        return Grant(code=code, redirect_uri=text_at(oauth, "redirect_uri", account), nonce=nonce)
    token = text_at(results, "id_token", account)
    return None if token is None else Grant(token, nonce=nonce)


def object_at(document: Mapping[str, Any], key: str, account: str) -> Mapping[str, Any]:
    """Return the object under a key, empty if absent; ``BadAccount`` if it is none."""
    part = document.get(key)
    if part is None:
        return {}
    if not isinstance(part, Mapping):
        raise BadAccount.about(account, f"its {key} is not an object")
    return part


def text_at(part: Mapping[str, Any], key: str, account: str) -> str | None:
    """Return the text under a key of an object, ``None`` if absent or empty; ``BadAccount`` if it is none."""
    value = part.get(key)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise BadAccount.about(account, f"its {key} is not a string")
    return value


def _without_secrets(part: object) -> Document:
    """Return a part without any key that names a token, a code or a secret; empty for anything but an object."""
    return {
        key: value
        for key, value in object_or_empty(part).items()
        if not any(word in key.lower() for word in _SECRET_WORDS)
    }


def without_grant(document: Mapping[str, Any]) -> Document:
    """Return the account document without the secrets of the OAuth flow, so that one found later is new."""
    changed = dict(document)
    changed[OAUTH] = _without_secrets(changed.get(OAUTH))
    if RESULTS in changed:
        changed[RESULTS] = _without_secrets(changed[RESULTS])
    return changed


def with_id_token(document: Mapping[str, Any], token: Grant) -> Document:
    """Return the account document with the ``id_token`` in place of its code, which works only once."""
    changed = without_grant(document)
    changed[RESULTS] = {**object_or_empty(changed.get(RESULTS)), "id_token": token.token}
    if token.nonce is not None:
        changed[OAUTH]["nonce"] = token.nonce
    return changed
