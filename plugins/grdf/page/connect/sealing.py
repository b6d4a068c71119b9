"""Sealed texts, which the page gives to a browser or to GRDF and which must come back unread and unchanged.

Texts are sealed with Fernet (AES and HMAC, from ``cryptography``). The key is derived by HKDF (RFC 5869) from
Airflow's ``[api] secret_key``, which all API servers share. Each purpose has its own label, so a text sealed for one
purpose, or signed by Airflow, cannot be used for another.
"""

from __future__ import annotations

import time
from base64 import urlsafe_b64encode
from typing import ClassVar, Literal, Self, TypeVar

import msgspec
from airflow.sdk import conf
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from include.gas.errors import BadSettings

Purpose = Literal["state", "attempt", "household link", "direct form", "progress"]
Content = TypeVar("Content")
LONGEST = 4_000
"""Maximum characters of a sealed text. Browsers keep no longer cookies."""


def secret_key() -> str:
    """Return Airflow's ``[api] secret_key``.

    :raises BadSettings: if it is not set
    """
    secret = str(conf.get("api", "secret_key", fallback=""))
    if not secret or secret == "{SECRET_KEY}":  # Airflow's placeholder, which is public
        raise BadSettings.about(
            account=None,
            cause="there is no secret for sealing what the page sends to GRDF and to browsers",
            next_step="Set [api] secret_key, which all of Airflow's API servers share.",
        )
    return secret


def seal(purpose: Purpose, content: object) -> str:
    """Return the sealed text for some content.

    :param content: a dataclass of values that JSON can represent
    :raises BadSettings: if there is no secret to derive a key from
    """
    return _fernet(purpose).encrypt(msgspec.json.encode(content)).decode()


def unseal(purpose: Purpose, text: str | None, kind: type[Content]) -> Content | None:
    """Return the content of a sealed text, even if it has expired; ``None`` if it was not sealed here for this purpose.

    :raises BadSettings: if there is no secret to derive a key from
    """
    fernet = _fernet(purpose)
    try:
        return msgspec.json.decode(fernet.decrypt((text or "")[:LONGEST].encode()), type=kind)
    except (InvalidToken, msgspec.MsgspecError):
        return None


def _fernet(purpose: Purpose) -> Fernet:
    label = f"grdf page, version 1: {purpose}".encode()
    key = HKDF(SHA256(), length=32, salt=None, info=label).derive(secret_key().encode())
    return Fernet(urlsafe_b64encode(key))


class Sealed:
    """A base for dataclasses that are sealed for one purpose, and expire.

    ``until`` says when, in epoch seconds.
    """

    PURPOSE: ClassVar[Purpose]
    until: int

    def sealed(self) -> str:
        """Return the sealed text."""
        return seal(self.PURPOSE, self)

    @classmethod
    def opened(cls, text: str | None) -> Self | None:
        """Return what was sealed, even if it has expired; ``None`` if the text was not sealed here for this purpose."""
        return unseal(cls.PURPOSE, text, cls)

    @property
    def is_over(self) -> bool:
        """Whether it has expired."""
        return time.time() >= self.until
