"""A summary of each meter's stored days on the account, so that a list of accounts need not read any days.

Each load updates the years that it handles, from the days that it reads and writes anyway. The summary depends on the
stored days alone, so a load that finds nothing new does not change it. If it is absent, because the account is older or
somebody removed it, the account's next load creates all of it. Two loads at the same time may leave a year as the
slower one saw it, until the next load of that year. Days and totals are correct even then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import msgspec

from include.gas.account.sections.section import MeterSection, read, written
from include.gas.documents.gas_days import Document
from include.gas.documents.year_counts import StoredYear


class Stored(MeterSection, frozen=True):
    """Summary of a meter's stored days, as an object by year.

    :param years: the summaries by year; years without stored days are left out
    """

    key: ClassVar[str] = "stored"

    years: dict[int, StoredYear] = msgspec.field(default_factory=dict)

    @classmethod
    def of(cls, document: Mapping[str, Any], pce: str) -> Stored:
        """Return a meter's entry; years that cannot be read are left out."""
        entries = ((year, read(StoredYear, entry)) for year, entry in sorted(cls.raw(document, pce).items()))
        return cls({int(year): entry for year, entry in entries if entry is not None and is_year(year)})


def is_year(text: str) -> bool:
    """Return whether a key is a year."""
    return text.isascii() and text.isdigit() and len(text) <= 4


def is_told(document: Mapping[str, Any], pce: str) -> bool:
    """Return whether an account has a summary for a meter, even an empty one."""
    return Stored.holds(document, pce)


def told_years(document: Mapping[str, Any], pce: str) -> dict[int, StoredYear]:
    """Return the summary of a meter's stored days by year, as the account document has it."""
    return Stored.of(document, pce).years


def with_stored(
    document: Mapping[str, Any], pce: str, years: Iterable[int] | None, found: Mapping[int, StoredYear]
) -> Document:
    """Return the account document with the summary of a meter's stored days.

    :param years: the years that were read; the summaries of other years are kept. ``None`` if all years were read
    :param found: the summaries of these years; years without stored days are left out
    """
    kept = {} if years is None else dict(Stored.raw(document, pce))
    for year in years or ():
        kept.pop(str(year), None)
    kept |= {str(year): written(held) for year, held in found.items()}
    return Stored.put(document, pce, dict(sorted(kept.items())))
