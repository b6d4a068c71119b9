"""Meter tags, which stand for meter numbers in logs, events and messages."""

from __future__ import annotations

import re
from hashlib import blake2b

_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no I, L, O, U to be misread
_LENGTH = 3

_NUMBER = re.compile(
    # The digits of a URL escape (%22, %3A) before a number do not belong to it.
    r"(?:(?<=%[0-9A-Fa-f]{2})|(?<![0-9a-f]))[0-9]{14}(?![0-9a-f])"
    r"|(?:(?<=%[0-9A-Fa-f]{2})|(?<![A-Za-z]))GI[0-9]{6}(?![0-9])"
)
"""What looks like a meter number: ``GI`` and 6 digits, or 14 digits outside Cozy's ids."""

UNNAMED = "M-???"
"""For meters of unknown accounts."""


def meter_tag(account: str, pce: str) -> str:
    """Return the tag of a meter, for example ``M-7KQ``: constant within an account, different in another one.

    Three characters keep an account's meters apart, but hide none from a person with a short list, such as a street.
    """
    key = f"{account}:{pce}".encode(errors="surrogatepass")  # a document may name anything as a meter
    number = int.from_bytes(blake2b(key, digest_size=8).digest(), "big")
    return "M-" + "".join(_LETTERS[number >> 5 * place & 31] for place in range(_LENGTH))


def without_numbers(text: str, account: str | None = None) -> str:
    """Replace meter numbers with the account's tags, or :data:`UNNAMED`, in a foreign text. Idempotent."""
    return _NUMBER.sub(lambda found: meter_tag(account, found[0]) if account else UNNAMED, text)
