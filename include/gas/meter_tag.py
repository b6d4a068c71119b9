"""A meter's tag: what stands for its number wherever a line may be read or kept by people who need not know it."""

from __future__ import annotations

import re
from hashlib import blake2b

_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no I, L, O, U to be misread
_LENGTH = 3

_NUMBER = re.compile(
    # After an escape of a URL (%22, %3A) the digits of the escape are none of the number's.
    r"(?:(?<=%[0-9A-Fa-f]{2})|(?<![0-9]))[0-9]{14}(?![0-9])|(?:(?<=%[0-9A-Fa-f]{2})|(?<![A-Za-z]))GI[0-9]{6}(?![0-9])"
)
"""What looks like a meter's number: 14 digits, or GI and 6 digits."""

UNNAMED = "M-???"
"""What stands for a meter whose account is not known there."""


def meter_tag(account: str, pce: str) -> str:
    """Name a meter without its number, for logs, events and messages: always the same within one account.

    Three letters tell an account's meters apart (two of twenty are alike in one account of 170), and are too few to
    tell which meter of a town it is: with a list of all its meters, some fifteen of each half a million fit. They hide
    nothing from who already holds the few meters of a street: one of five hundred is named by them nearly always. Logs
    stay a matter of those who may see the account.

    :param account: account id; the same meter has another tag in another account.
    :param pce: the meter's number.
    :return: for example ``M-7KQ``.
    """
    number = int.from_bytes(blake2b(f"{account}:{pce}".encode(), digest_size=8).digest(), "big")
    return "M-" + "".join(_LETTERS[number >> 5 * place & 31] for place in range(_LENGTH))


def without_numbers(text: str, account: str | None = None) -> str:
    """Put tags in the place of meters' numbers in somebody else's text: an answer of GRDF, an address, an exception.

    :param text: any text.
    :param account: whose meters they are; when it is not known, :data:`UNNAMED` stands for each.
    :return: the same text without anything that looks like a meter's number. Doing it twice changes nothing more.
    """
    return _NUMBER.sub(lambda found: meter_tag(account, found[0]) if account else UNNAMED, text)
