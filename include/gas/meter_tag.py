"""A meter's tag: what stands for its number wherever a line may be read or kept by people who need not know it."""

from __future__ import annotations

from hashlib import blake2b

_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no I, L, O, U to be misread
_LENGTH = 3


def meter_tag(account: str, pce: str) -> str:
    """Name a meter without its number, for logs, events and messages: always the same within one account.

    Three letters tell an account's meters apart (two of twenty are alike in one account of 170), and are too few to
    tell which meter of a town it is: with a list of all its meters, some fifteen of each half a million fit.

    :param account: account id; the same meter has another tag in another account.
    :param pce: the meter's number.
    :return: for example `M-7KQ`.
    """
    number = int.from_bytes(blake2b(f"{account}:{pce}".encode(), digest_size=8).digest(), "big")
    return "M-" + "".join(_LETTERS[number >> 5 * place & 31] for place in range(_LENGTH))
