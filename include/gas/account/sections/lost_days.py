"""The account's own book (``stored``) held against what the store holds: days that a database has lost.

Loads add days and never take one away. So when fewer days of a year are stored than the account told before, a database
has lost them: it was restored in part, or is a new one. The book is then not simply written anew, which would hide it:
the loss is noted under ``lost_days``, and the next daily run asks for the whole history of the meter once more, in the
call that it makes anyway. A year's note goes when as many days are stored again as there were; what GRDF serves no more
keeps it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

import msgspec

from include.gas.account.sections.section import MeterSection, members, written
from include.gas.account.sections.stored import is_year
from include.gas.documents.gas_days import Document
from include.gas.documents.year_counts import StoredYear, shortfall


class LostDays(MeterSection, frozen=True):
    """The years of a meter of which days were lost.

    :param read_again: whether the whole history is to be read once more
    :param years: by year, how many days were stored before some were lost
    """

    key: ClassVar[str] = "lost_days"
    written_by: ClassVar[str] = (
        "each load and the monthly check of the book, when fewer days are stored than the account told; a year goes "
        "when as many are stored again, `read_again` once the history was read"
    )

    read_again: bool = False
    years: dict[str, int] = msgspec.field(default_factory=dict)

    @classmethod
    def of(cls, document: Mapping[str, Any], pce: str) -> LostDays:
        """Return what is noted of a meter; a year that cannot be read is left out.

        :param document: the account document
        :param pce: the meter
        """
        entry = cls.raw(document, pce)
        years = members(entry.get("years"))
        return cls(
            entry.get("read_again") is True,
            {year: days for year, days in years.items() if is_year(year) and type(days) is int},
        )

    @property
    def by_year(self) -> dict[int, int]:
        """How many days were stored before, by year."""
        return {int(year): days for year, days in self.years.items()}


def with_lost_days(
    document: Mapping[str, Any],
    pce: str,
    told: Mapping[int, StoredYear],
    held: Mapping[int, StoredYear],
    years: Collection[int],
) -> Document:
    """Note which days of a meter the store has lost, and take out what is there again.

    :param document: the account document
    :param pce: the meter
    :param told: what the account said before ``held`` was read
    :param held: what is stored
    :param years: the years of which all stored days were read
    :return: a new document, equal to the old one when nothing was lost or came back
    """
    former = LostDays.of(document, pce)
    noted = former.by_year
    short = shortfall(told, held, years)
    noted |= {year: max(noted.get(year, 0), told[year].days) for year in short}
    left = {
        str(year): days
        for year, days in sorted(noted.items())
        if year in short or year not in years or (held[year].days if year in held else 0) < days
    }
    return LostDays.put(document, pce, written(LostDays(bool(short) or former.read_again, left)) or None)


def reads_again(document: Mapping[str, Any], pce: str) -> bool:
    """Return whether the whole history of a meter is to be read once more, since days of it were lost.

    :param document: the account document
    :param pce: the meter
    """
    return LostDays.of(document, pce).read_again


def with_history_read_again(document: Mapping[str, Any], pce: str) -> Document:
    """Note that the whole history was read once more; what is still short keeps its note.

    :param document: the account document
    :param pce: the meter
    """
    rest = {key: value for key, value in LostDays.raw(document, pce).items() if key != "read_again"}
    return LostDays.put(document, pce, rest or None)


def lost_years(document: Mapping[str, Any], pce: str) -> dict[int, int]:
    """Return the years of a meter of which fewer days are stored than there were, with how many there were.

    :param document: the account document
    :param pce: the meter
    """
    return LostDays.of(document, pce).by_year
