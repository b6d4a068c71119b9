"""What a copy says to its household in words: its README, and what is kept, why and for how long."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping
from datetime import datetime

from include.gas.days.gas_day import PARIS
from include.gas.documents.day_documents import Document

COPY_DAYS = 7
"""For how long a copy that an operator made stays."""
WIDTH = 88
_BEFORE_MARK = re.compile(" (?=[:;?!»])")
_AFTER = {
    "en": ("not after a deletion", "for {years} years after a deletion", "for {days} days after a deletion"),
    "fr": ("pas au-delà d’une suppression", "{years} ans après une suppression", "{days} jours après une suppression"),
}


def kept_rows(texts: Mapping[str, Mapping[str, str]], numbers: Mapping[str, int], record_days: int) -> list[Document]:
    """Return what is kept, with the number of lines of each table; records for ``record_days`` after a deletion."""
    years = round(record_days / 365.25)
    which = 0 if not record_days else 1 if abs(record_days - years * 365.25) < 1 else 2
    after = {language: said[which].format(years=years, days=record_days) for language, said in _AFTER.items()}
    return [
        {"data": data, "number": numbers.get(data)}
        | {language: text.format(after=after[language], days=COPY_DAYS) for language, text in said.items()}
        for data, said in texts.items()
    ]


def fill_readme(text: str, kept: Iterable[str], *, by: str, made: datetime) -> str:
    """Return a README with its gaps filled, in lines that every editor shows."""
    moment = f"{made.astimezone(PARIS):%Y-%m-%d %H:%M}"
    parts = text.format(made=moment, by=by, kept="\n\n".join(f"* {each}" for each in kept)).strip().split("\n\n")
    filled = (textwrap.fill(_BEFORE_MARK.sub("\N{NO-BREAK SPACE}", part.replace("\n", " ")), WIDTH) for part in parts)
    return "\n\n".join(filled).replace("\n", "\r\n") + "\r\n"
