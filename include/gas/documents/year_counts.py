"""Counts the stored days of a meter by year."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

import msgspec

from include.gas.documents.day_checks import WORDS, is_doubted
from include.gas.documents.gas_days import day_of

RECENT = 62
"""How many gas days up to the last stored one are told one by one: the 60 that the page shows, and the two that pass
before a run asks for a day."""
STORED, CORRECTED, ABSENT = "s", "c", "-"


class StoredYear(msgspec.Struct, frozen=True, omit_defaults=True):
    """The stored gas days of one meter in one year.

    :param days: number of stored days
    :param first: first stored day
    :param last: last stored day
    :param provisional: number of stored days that GRDF may still change
    :param corrected: number of stored days whose load changed after they were first stored
    :param doubts: number of doubted days by reason, see :mod:`include.gas.documents.day_checks`
    :param recent: one letter for each of the year's last gas days, 62 at most, up to ``last``: ``s`` stored, ``c``
        stored and corrected, ``-`` not stored. Left out if all days from ``first`` to ``last`` are stored and none is
        corrected
    """

    days: int
    first: date
    last: date
    provisional: int = 0
    corrected: int = 0
    doubts: dict[str, int] = msgspec.field(default_factory=dict)
    recent: str = ""

    def letters(self) -> str:
        """Return the letters of :attr:`recent`, also if they are left out."""
        return self.recent or STORED * min((self.last - self.first).days + 1, RECENT)


def stored_years(days: Iterable[Mapping[str, Any]]) -> dict[int, StoredYear]:
    """Return the summary of stored days by year.

    :param days: all stored day documents of one meter, for the years concerned
    """
    years: dict[int, list[tuple[date, Mapping[str, Any]]]] = defaultdict(list)
    for document in days:
        day = day_of(document)
        years[day.year].append((day, document))
    return {
        year: StoredYear(
            days=len(held),
            first=min(day for day, _ in held),
            last=max(day for day, _ in held),
            provisional=sum(document.get("status") == "provisional" for _, document in held),
            corrected=sum(bool(document.get("changes")) for _, document in held),
            doubts={word: number for word in WORDS if (number := sum(is_doubted(each, word) for _, each in held))},
            recent=_recent({day: bool(document.get("changes")) for day, document in held}),
        )
        for year, held in sorted(years.items())
    }


def _recent(corrected: Mapping[date, bool]) -> str:
    """Return the letters of a year's last gas days; ``""`` if no day is absent or corrected.

    :param corrected: the stored days, and whether each was corrected
    """
    first, last = min(corrected), max(corrected)
    if len(corrected) == (last - first).days + 1 and not any(corrected.values()):
        return ""
    days = (last - timedelta(days=ago) for ago in reversed(range(min((last - first).days + 1, RECENT))))
    return "".join(ABSENT if day not in corrected else CORRECTED if corrected[day] else STORED for day in days)
