"""Counts the stored days of a meter by year."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from itertools import pairwise
from typing import Any

import msgspec

from include.gas.days.gas_day import ONE_DAY
from include.gas.days.windows import Window
from include.gas.documents.day_checks import WORDS, is_doubted
from include.gas.documents.day_documents import day_of


class StoredYear(msgspec.Struct, frozen=True, omit_defaults=True):
    """The stored gas days of one meter in one year, with ``absent`` days between and numbers of the others."""

    first: date
    last: date
    absent: tuple[Window, ...] = ()
    provisional: int = 0
    corrected: int = 0
    doubts: dict[str, int] = msgspec.field(default_factory=dict)

    @property
    def days(self) -> int:
        """Number of stored days."""
        return self.within(Window(date.min, date.max))

    def within(self, window: Window) -> int:
        """Return how many days of a window are stored."""
        length = (min(self.last, window.last) - max(self.first, window.first)).days + 1
        return max(length, 0) - sum(hole.count_common_days(window) for hole in self.absent)


def stored_years(days: Iterable[Mapping[str, Any]]) -> dict[int, StoredYear]:
    """Return the summary by year of all stored days of a meter in these years."""
    years: dict[int, dict[date, Mapping[str, Any]]] = defaultdict(dict)
    for document in days:
        day = day_of(document)
        years[day.year][day] = document
    return {year: _summary(held) for year, held in sorted(years.items())}


def _summary(held: Mapping[date, Mapping[str, Any]]) -> StoredYear:
    holes = (Window.between(one + ONE_DAY, other) for one, other in pairwise(sorted(held)))
    return StoredYear(
        min(held),
        max(held),
        tuple(hole for hole in holes if hole),
        provisional=sum(document.get("status") == "provisional" for document in held.values()),
        corrected=sum(bool(document.get("changes")) for document in held.values()),
        doubts={word: number for word in WORDS if (number := sum(is_doubted(each, word) for each in held.values()))},
    )
