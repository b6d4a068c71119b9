"""What a load has changed, as the announcements, the runs' XComs and the log lines tell it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date

from include.gas.documents.totals import Number
from include.gas.documents.year_counts import StoredYear

WRITTEN = ("new", "corrected", "confirmed", "completed", "doubted")
"""What can become of a day that is written."""


@dataclass(frozen=True, slots=True)
class TotalChange:
    """A total that a load changed.

    :param id: id of the month or year document
    :param before: former load in kWh; ``None`` if there was no total
    :param after: new load in kWh; ``None`` if the total was removed because none of its days is stored any more
    """

    id: str
    before: Number | None
    after: Number | None


@dataclass(frozen=True, slots=True)
class LoadReport:
    """The result of a load.

    :param new: number of days stored for the first time
    :param corrected: number of days whose load changed
    :param confirmed: number of days whose status or quality changed, but not their load
    :param completed: number of days of which GRDF said more than what was stored: volume, indexes and so on
    :param doubted: number of days of which nothing changed but what is doubtful about them
    :param unchanged: number of days that were already stored like this
    :param stale: number of days left alone because a newer reading is stored
    :param months: number of month totals written
    :param years: number of year totals written
    :param totals: totals whose load changed
    :param replaced: ids of the totals that were there before and were computed anew, with another load or the same
    :param changed_days: gas days that this load wrote, or that an earlier attempt wrote from the same answer, in order
    :param removed_days: gas days that were removed, since the account may not hold them
    :param doubts: the reasons that are new, by the gas day that they make doubtful
    :param looked_at: the calendar years whose days were read
    :param held: summary of the stored days by year, for the years in ``looked_at``
    """

    new: int = 0
    corrected: int = 0
    confirmed: int = 0
    completed: int = 0
    doubted: int = 0
    unchanged: int = 0
    stale: int = 0
    months: int = 0
    years: int = 0
    totals: tuple[TotalChange, ...] = ()
    replaced: tuple[str, ...] = ()
    changed_days: tuple[date, ...] = ()
    removed_days: tuple[date, ...] = ()
    doubts: Mapping[date, list[str]] = field(default_factory=dict)
    looked_at: tuple[int, ...] = ()
    held: Mapping[int, StoredYear] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether anything was written."""
        return any(getattr(self, kind) for kind in (*WRITTEN, "months", "years"))

    def counts(self) -> dict[str, int]:
        """Return only the numbers, for an XCom or a log line."""
        values = ((each.name, getattr(self, each.name)) for each in fields(self))
        return {name: value for name, value in values if isinstance(value, int)}
