"""GRDF's French words, whatever their accents, capitals and blanks: ``Révoquée`` and ``REVOQUEE`` are one word."""

from __future__ import annotations

import unicodedata
from datetime import date
from typing import Any

from include.gas.days.gas_day import parse_day


def fold(word: object) -> str:
    """Return a word in small letters, without accents, with single blanks; "" for anything but text.

    :param word: a value of an answer.
    """
    if not isinstance(word, str):
        return ""
    bare = "".join(letter for letter in unicodedata.normalize("NFKD", word) if not unicodedata.combining(letter))
    return " ".join(bare.casefold().split())


def text_of(value: object) -> str:
    """Return a code or a short text of an answer, which may come as a number; "" when there is none.

    :param value: a value of an answer.
    """
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def day_in(value: Any) -> date | None:
    """Return the day that a date or a timestamp starts with, for example ``2022-04-01 09:15:00``; None if none.

    :param value: a value of an answer.
    """
    if not isinstance(value, str):
        return None
    try:
        return parse_day(value.strip()[:10])
    except ValueError:
        return None
