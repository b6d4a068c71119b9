"""Sealed texts: what this page gives to a browser or to GRDF and must get back unread and unchanged.

The seal is Fernet (AES and HMAC, from ``cryptography``). Its key is derived (HKDF, RFC 5869) from ``[grdf]
connect_secret``, or from Airflow's ``[api] secret_key``, which all API servers share anyway; with a label of our own
for each purpose, so that nothing sealed for one purpose, nor anything that Airflow signs, can stand in for another.
"""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, Literal

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from grdf import settings

Purpose = Literal["state", "attempt", "household link"]
LONGEST = 4_000
"""Characters: a browser keeps no longer cookie."""


class BrokenSeal(ValueError):
    """The text was not sealed here for this purpose, or was changed."""


class Seal:
    """Seal and open texts of one purpose.

    :param purpose: what they are for
    :raises BadSettings: when there is no secret to derive a key from
    """

    def __init__(self, purpose: Purpose) -> None:
        label = f"grdf page, version 1: {purpose}".encode()
        key = HKDF(SHA256(), length=32, salt=None, info=label).derive(settings.connect_secret().encode())
        self._fernet = Fernet(urlsafe_b64encode(key))

    def close(self, content: Mapping[str, Any]) -> str:
        """Seal something.

        :param content: what JSON can hold; ``until`` says, in epoch seconds, how long it is good
        """
        return self._fernet.encrypt(json.dumps(content, separators=(",", ":")).encode()).decode()

    def open(self, text: str) -> dict[str, Any]:
        """Open a sealed text, be it good still or not.

        :param text: the text
        :raises BrokenSeal: when it is none
        """
        try:
            content = json.loads(self._fernet.decrypt(text[:LONGEST].encode()))
        except (InvalidToken, ValueError):
            raise BrokenSeal("this was not sealed here") from None
        if not isinstance(content, dict):
            raise BrokenSeal("this was not sealed here")
        return content


def is_over(content: Mapping[str, Any]) -> bool:
    """Return whether the time of something sealed is over.

    :param content: what was sealed
    """
    return not time.time() < float(content.get("until", 0))
