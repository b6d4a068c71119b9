"""GRDF's French words regardless of accents, case and spaces: ``Révoquée`` is ``REVOQUEE``."""

from __future__ import annotations

import unicodedata
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from include.gas.days.gas_day import PARIS, parse_day, utc_text


def fold(word: object) -> str:
    """Return a word in lower case, without accents and with single spaces; ``""`` for anything but text."""
    return _fold(word) if isinstance(word, str) else ""


@lru_cache(maxsize=256)  # each line has the same few words
def _fold(word: str) -> str:
    bare = "".join(letter for letter in unicodedata.normalize("NFKD", word) if not unicodedata.combining(letter))
    return " ".join(bare.casefold().split())


def fold_address(address: object) -> str:
    """Return an e-mail address in lower case; ``""`` for anything but text. Accents stay."""
    return unicodedata.normalize("NFC", address).strip().lower() if isinstance(address, str) else ""


def text_of(value: object) -> str:
    """Return a code or short text, which may come as a number; ``""`` for anything else."""
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def day_in(value: Any) -> date | None:
    """Return the day at the start of a date or a timestamp such as ``2022-04-01 09:15:00``; ``None`` without one."""
    if not isinstance(value, str):
        return None
    try:
        return parse_day(value.strip()[:10])
    except ValueError:
        return None


def instant_in(value: object) -> datetime | None:
    """Return the instant in a field, aware; Paris time if it has no time zone. A date is the start of its day."""
    if not isinstance(value, str | date):
        return None
    try:
        instant = datetime.fromisoformat(str(value).strip())
        return instant if instant.tzinfo else instant.replace(tzinfo=PARIS)
    except ValueError:
        return None


def moment_in(value: object) -> str:
    """Return :func:`instant_in` as UTC text; ``""`` if there is none."""
    try:
        instant = instant_in(value)
        return utc_text(instant) if instant else ""
    except OverflowError:  # in the year 1 or 9999
        return ""
