"""What the household's consent has left for us to take: an ``id_token``, or a code to exchange for one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from include.gas.account.sections.section import copied, members
from include.gas.documents.gas_days import Document
from include.gas.errors import BadAccount

OAUTH, RESULTS = "oauth", "oauth_callback_results"
"""Keys of the account document: what cozy-stack needed for its OAuth dance, and what came of it."""
FORMER = "former_id_token"
"""Key beside the consents: the konnector's ``id_token``, while it may still tell which right the account brought."""

_SECRET_WORDS = ("token", "secret", "password", "nonce", "code", "expires")
_GRANTS = ("access_token", "refresh_token", "id_token", "code")


@dataclass(frozen=True, slots=True)
class IdToken:
    """A grant already exchanged by cozy-stack.

    :param token: the id_token, not yet checked
    :param nonce: the one sent with the request, or None
    """

    token: str = field(repr=False)
    nonce: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Code:
    """A grant still to exchange.

    :param code: the authorization code; works once, for a few minutes
    :param redirect_uri: the one it was asked with, or None for the configured one
    :param nonce: the one sent with the request, or None
    """

    code: str = field(repr=False)
    redirect_uri: str | None = None
    nonce: str | None = field(default=None, repr=False)


Grant = IdToken | Code


def results_of(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what the consent has brought; an empty object when there is nothing or it is odd.

    :param document: the account document
    """
    return members(document.get(RESULTS))


def grant_in(document: Mapping[str, Any], account: str) -> Grant | None:
    """Return the grant of an account document, None when there is none.

    :param document: the account document
    :param account: account id, for messages
    :raises BadAccount: if a part of it is no object, or no text
    """
    oauth, results = part_of(document, OAUTH, account), part_of(document, RESULTS, account)
    nonce = text_in(oauth, "nonce", account)
    code = text_in(oauth, "code", account)
    if code is not None:  # newer than any id_token: the exchange drops it
        return Code(code, text_in(oauth, "redirect_uri", account), nonce)
    token = text_in(results, "id_token", account)
    return None if token is None else IdToken(token, nonce)


def part_of(document: Mapping[str, Any], key: str, account: str) -> Mapping[str, Any]:
    """Return a part of the account document that is an object, an empty one when it is absent.

    :param document: the account document
    :param key: its key
    :param account: account id, for messages
    :raises BadAccount: if it is anything else
    """
    part = document.get(key)
    if part is None:
        return {}
    if not isinstance(part, Mapping):
        raise BadAccount.about(account, f"its {key} is not an object")
    return part


def text_in(part: Mapping[str, Any], key: str, account: str) -> str | None:
    """Return a text of a part, None when it is absent or empty.

    :param part: the part
    :param key: its key
    :param account: account id, for messages
    :raises BadAccount: if it is anything else
    """
    value = part.get(key)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise BadAccount.about(account, f"its {key} is not a string")
    return value


def holds_tokens(document: Mapping[str, Any]) -> bool:
    """Return whether an account document holds a token or a code.

    :param document: the account document
    """
    return any(members(document.get(part)).get(name) for part in (OAUTH, RESULTS) for name in _GRANTS)


def without_secrets(part: object) -> Document:
    """Return a part without every key that names a token, a code or a secret.

    :param part: the part; anything but an object is an empty one
    """
    return {
        key: value for key, value in members(part).items() if not any(word in key.lower() for word in _SECRET_WORDS)
    }


def without_grant(document: Mapping[str, Any], *, token: bool = False) -> Document:
    """Take out a code that GRDF has refused: it works once, so that one found later is known to be a new one.

    :param document: the account document
    :param token: whether to take out an ``id_token``, too
    """
    changed = copied(document)
    changed[OAUTH] = without_secrets(changed.get(OAUTH))
    if token:
        changed[RESULTS] = without_secrets(changed.get(RESULTS))
    return changed


def with_id_token(document: Mapping[str, Any], token: IdToken) -> Document:
    """Put what a code was exchanged for in its place, as cozy-stack does: the code works once.

    :param document: the account document
    :param token: the ``id_token``, with the nonce it must bear
    """
    changed = without_grant(document)
    changed[RESULTS] = {**members(changed.get(RESULTS)), "id_token": token.token}
    if token.nonce is not None:
        changed[OAUTH]["nonce"] = token.nonce
    return changed


def former_token(document: Mapping[str, Any]) -> IdToken | None:
    """Return the ``id_token`` that the konnector left, put aside while it could not be checked: a setting may be wrong.

    :param document: the account document
    """
    former = members(results_of(document).get(FORMER))
    token, nonce = former.get("token"), former.get("nonce")
    return IdToken(token, nonce if isinstance(nonce, str) else None) if isinstance(token, str) else None
