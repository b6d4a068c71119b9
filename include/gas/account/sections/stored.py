"""What is stored of a meter, told in a few numbers on its account, so that a list of accounts need not read any day.

Each load notes the years that it has looked at, from the days that it has read and written anyway. The note follows
from the stored days alone: a load that finds nothing new changes nothing here. Where it is missing (an account from
before there was one) or was taken out by hand, the account's next load makes all of it anew. Two loads at once may
leave a year as the slower one saw it, until the next load of that year; days and totals themselves are right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import msgspec

from include.gas.account.sections.section import MeterSection, members, read, written
from include.gas.documents.gas_days import Document
from include.gas.documents.year_counts import StoredYear


class Stored(MeterSection, frozen=True):
    """What is stored of a meter: an object of years.

    :param years: the stored days of each year that has any, by year
    """

    key: ClassVar[str] = "stored"
    shape: ClassVar[str] = "an object by meter and year"
    entry: ClassVar[type[msgspec.Struct] | None] = StoredYear
    written_by: ClassVar[str] = "each load (daily run, re-read, adoption) and the monthly check of the book"

    years: dict[int, StoredYear] = msgspec.field(default_factory=dict)

    @classmethod
    def of(cls, document: Mapping[str, Any], pce: str) -> Stored:
        """Return what is noted of a meter; a year that cannot be read is left out.

        :param document: the account document
        :param pce: the meter
        """
        entries = ((year, read(StoredYear, entry)) for year, entry in sorted(cls.raw(document, pce).items()))
        return cls({int(year): entry for year, entry in entries if entry is not None and is_year(year)})


def is_year(text: str) -> bool:
    """Return whether a key names a year.

    :param text: the key
    """
    return text.isascii() and text.isdigit() and len(text) <= 4


def is_told(document: Mapping[str, Any], pce: str) -> bool:
    """Return whether an account says what is stored of a meter, be it nothing.

    :param document: the account document
    :param pce: the meter
    """
    return Stored.holds(document, pce)


def told_years(document: Mapping[str, Any], pce: str) -> dict[int, StoredYear]:
    """Return what an account says is stored of a meter, by year.

    :param document: the account document
    :param pce: the meter
    """
    return Stored.of(document, pce).years


def told_meters(document: Mapping[str, Any]) -> set[str]:
    """Return the meters of which an account has ever said what is stored, its own or not any more.

    :param document: the account document
    """
    return set(members(document.get(Stored.key)))


def with_stored(
    document: Mapping[str, Any], pce: str, years: Iterable[int] | None, found: Mapping[int, StoredYear]
) -> Document:
    """Note what is stored of a meter.

    :param document: the account document
    :param pce: the meter
    :param years: the years that were looked at; what is told of others stays. None: all there are
    :param found: what is stored of them; a year without a stored day has no entry
    :return: a new document, equal to the old one when nothing changed
    """
    kept = {} if years is None else dict(Stored.raw(document, pce))
    for year in years or ():
        kept.pop(str(year), None)
    kept |= {str(year): written(held) for year, held in found.items()}
    return Stored.put(document, pce, dict(sorted(kept.items())))
