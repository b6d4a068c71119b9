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
_FOR = {
    "en": ("not after a deletion", "for {years} years after a deletion", "for {days} days after a deletion"),
    "fr": ("pas au-delà d’une suppression", "{years} ans après une suppression", "{days} jours après une suppression"),
}
_DAYS = {
    "en": ("Until your account is deleted", ", and no longer than {years} calendar years before this one"),
    "fr": ("Jusqu’à la suppression de votre compte", ", et pas au-delà des {years} années civiles avant celle-ci"),
}


def kept_rows(
    texts: Mapping[str, Mapping[str, str]], numbers: Mapping[str, int], *, record_days: int, days_years: int | None
) -> list[Document]:
    """Return what is kept, and how many lines each table has.

    :param record_days: for how many days a record stays after a deletion
    :param days_years: for how many calendar years days stay; ``None`` for no limit
    """
    years = round(record_days / 365.25)
    which = 0 if not record_days else 1 if abs(record_days - years * 365.25) < 1 else 2

    def fill(text: str, language: str) -> str:
        always, limit = _DAYS[language]
        return text.format(
            records=_FOR[language][which].format(years=years, days=record_days),
            days=always + (limit.format(years=days_years) if days_years else ""),
            copy=COPY_DAYS,
        )

    return [
        {"data": data, "number": numbers.get(data)}
        | {language: fill(text, language) for language, text in said.items()}
        for data, said in texts.items()
    ]


def fill_readme(text: str, kept: Iterable[str], *, by: str, made: datetime) -> str:
    """Return a README with its gaps filled, in lines that every editor shows."""
    moment = f"{made.astimezone(PARIS):%Y-%m-%d %H:%M}"
    parts = text.format(made=moment, by=by, kept="\n\n".join(f"* {each}" for each in kept)).strip().split("\n\n")
    filled = (textwrap.fill(_BEFORE_MARK.sub("\N{NO-BREAK SPACE}", part.replace("\n", " ")), WIDTH) for part in parts)
    return "\n\n".join(filled).replace("\n", "\r\n") + "\r\n"
