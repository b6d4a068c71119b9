"""Sealed texts, which the page gives to a browser or to GRDF and which must come back unread and unchanged.

Texts are sealed with Fernet (AES and HMAC, from ``cryptography``). The key is derived by HKDF (RFC 5869) from
Airflow's ``[api] secret_key``, which all API servers share. Each purpose has its own label, so a text sealed for one
purpose, or signed by Airflow, cannot be used for another.
"""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, ClassVar, Literal, Self, cast

from airflow.sdk import conf
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from include.gas.errors import BadSettings

Purpose = Literal["state", "attempt", "household link", "direct form", "progress"]
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


class BrokenSeal(ValueError):
    """The text was not sealed here for this purpose, or has been changed."""


class Seal:
    """A seal for one purpose, which seals and opens texts.

    :param purpose: what the texts are for; texts sealed for another purpose cannot be opened
    :raises BadSettings: if there is no secret to derive a key from
    """

    def __init__(self, purpose: Purpose) -> None:
        label = f"grdf page, version 1: {purpose}".encode()
        key = HKDF(SHA256(), length=32, salt=None, info=label).derive(secret_key().encode())
        self._fernet = Fernet(urlsafe_b64encode(key))

    def close(self, content: Mapping[str, Any]) -> str:
        """Return the sealed text for some content.

        :param content: values that JSON can represent; ``until`` says when they expire, in epoch seconds
        """
        return self._fernet.encrypt(json.dumps(content, separators=(",", ":")).encode()).decode()

    def open(self, text: str) -> dict[str, Any]:
        """Return the content of a sealed text, even if it has expired.

        :raises BrokenSeal: if the text was not sealed with this seal
        """
        try:
            content = json.loads(self._fernet.decrypt(text[:LONGEST].encode()))
        except (InvalidToken, ValueError):
            raise BrokenSeal("this was not sealed here") from None
        if not isinstance(content, dict):
            raise BrokenSeal("this was not sealed here")
        return content


class Sealed:
    """A base for dataclasses that are sealed for one purpose, and expire.

    ``until`` says when, in epoch seconds.
    """

    PURPOSE: ClassVar[Purpose]
    until: int

    def sealed(self) -> str:
        """Return the sealed text."""
        return Seal(self.PURPOSE).close(asdict(cast("Any", self)))

    @classmethod
    def opened(cls, text: str | None) -> Self | None:
        """Return what was sealed, even if it has expired; ``None`` if the text was not sealed here for this purpose."""
        try:
            return cls(**Seal(cls.PURPOSE).open(text or ""))
        except (BrokenSeal, TypeError):
            return None

    @property
    def is_over(self) -> bool:
        """Whether it has expired."""
        return time.time() >= self.until
