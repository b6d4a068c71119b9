"""Days that a database has lost, found by comparing the account's section ``stored`` with the store.

Loads add days and never remove any; what is taken back as another household's is left out of the count. So if fewer
days of a year are stored than the account says, a database has lost them: it was partly restored, or it is a new one.
Just updating ``stored`` would hide this. Instead the loss is noted under ``lost_days``, and the next daily run asks for
the whole history of the meter again, in the call that it makes anyway. The note of a year is removed when as many days
are stored as before. It stays for days that GRDF does not serve any more. What is taken back as another household's
was counted before the loss, too, and never comes back: the noted number goes down by it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import date
from typing import Any, ClassVar

import msgspec

from include.gas.account.sections.section import MeterSection, members, written
from include.gas.account.sections.stored import is_year, told_years
from include.gas.documents.gas_days import Document
from include.gas.documents.year_counts import StoredYear, shortfall


class LostDays(MeterSection, frozen=True):
    """The years in which stored days of a meter were lost.

    :param read_again: whether the whole history must be read again
    :param years: number of days stored before the loss, by year
    """

    key: ClassVar[str] = "lost_days"

    read_again: bool = False
    years: dict[str, int] = msgspec.field(default_factory=dict)

    @classmethod
    def of(cls, document: Mapping[str, Any], pce: str) -> LostDays:
        """Return a meter's entry; years that cannot be read are left out."""
        entry = cls.raw(document, pce)
        years = members(entry.get("years"))
        return cls(
            entry.get("read_again") is True,
            {year: days for year, days in years.items() if is_year(year) and type(days) is int},
        )

    @property
    def by_year(self) -> dict[int, int]:
        """Number of days stored before the loss, by year."""
        return {int(year): days for year, days in self.years.items()}


def with_lost_days(
    document: Mapping[str, Any],
    pce: str,
    told: Mapping[int, StoredYear],
    held: Mapping[int, StoredYear],
    years: Collection[int],
    gone: Collection[date] = (),
) -> Document:
    """Return the account document with an up-to-date note of the days that the store has lost.

    Days that were removed as another household's are not lost. But some may be its own, with a figure that was
    corrected meanwhile. So the history is read again after them, too, should the household's own consent be in force.

    :param told: what the account said before ``held`` was read
    :param held: what is stored
    :param years: the years whose stored days were all read
    :param gone: days that ``told`` counts and that were removed since as another household's
    :return: equal to the old document if no days were lost and none are back
    """
    former, number = LostDays.of(document, pce), Counter(day.year for day in gone)
    noted = former.by_year
    for year in noted.keys() & number.keys() & set(years):
        # A try that follows one that was killed, or whose answer was lost, finds days that are left out already.
        counted = [book[year].days for book in (told, told_years(document, pce)) if year in book]
        here = held[year].days if year in held else 0
        noted[year] = max(noted[year] - min(number[year], max(min(counted, default=0) - here, 0)), here)
    told = {year: _without(said, number[year], held.get(year)) for year, said in told.items()}
    short = shortfall(told, held, years)
    noted |= {year: max(noted.get(year, 0), told[year].days) for year in short}
    left = {
        str(year): days
        for year, days in sorted(noted.items())
        if year in short or year not in years or (held[year].days if year in held else 0) < days
    }
    return LostDays.put(document, pce, written(LostDays(bool(short or gone) or former.read_again, left)) or None)


def _without(said: StoredYear, number: int, held: StoredYear | None) -> StoredYear:
    """Return what an account says of a year without so many days, wherever in the year they were."""
    if not number:
        return said
    first, last = (held.first, held.last) if held else (said.first, said.last)
    return msgspec.structs.replace(said, days=max(said.days - number, 0), first=first, last=last)


def reads_again(document: Mapping[str, Any], pce: str) -> bool:
    """Return whether the whole history of a meter must be read again because days were lost."""
    return LostDays.of(document, pce).read_again


def with_history_read_again(document: Mapping[str, Any], pce: str) -> Document:
    """Return the account document with a note that a meter's whole history was read again.

    Years in which days are still missing keep their note.
    """
    rest = {key: value for key, value in LostDays.raw(document, pce).items() if key != "read_again"}
    return LostDays.put(document, pce, rest or None)


def lost_years(document: Mapping[str, Any], pce: str) -> dict[int, int]:
    """Return the years in which stored days of a meter were lost, with the number of days stored before."""
    return LostDays.of(document, pce).by_year
