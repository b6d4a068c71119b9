"""Meter tags, which replace meter numbers in text that people may read or keep without needing the number."""

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
"""Matches what looks like a meter number: ``GI`` and 6 digits, or 14 digits that are no part of an id of Cozy's."""

UNNAMED = "M-???"
"""Replaces the number of a meter when its account is not known."""


def meter_tag(account: str, pce: str) -> str:
    """Return the tag of a meter for logs, events and messages. It never changes within one account.

    Three characters distinguish the meters of one account: of 170 accounts with twenty meters, one has two meters with
    the same tag. They are too few to find a meter in a town: in a list of half a million meters, about fifteen have the
    same tag. They do not hide a meter from somebody who has a short list, such as the meters of a street: among five
    hundred meters a tag nearly always points to one. So only people who may see the account should see its logs.

    :param account: account id; the same meter has a different tag in another account
    :return: for example ``M-7KQ``
    """
    told = f"{account}:{pce}".encode(errors="surrogatepass")  # whatever a document names as a meter
    number = int.from_bytes(blake2b(told, digest_size=8).digest(), "big")
    return "M-" + "".join(_LETTERS[number >> 5 * place & 31] for place in range(_LENGTH))


def without_numbers(text: str, account: str | None = None) -> str:
    """Replace meter numbers with tags in a foreign text: an answer from GRDF, a URL, an exception.

    :param text: any text
    :param account: id of the account that the meters belong to; ``None`` replaces each number with :data:`UNNAMED`
    :return: the text without anything that looks like a meter number. The function is idempotent
    """
    return _NUMBER.sub(lambda found: meter_tag(account, found[0]) if account else UNNAMED, text)
