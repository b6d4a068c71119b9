"""What loads have changed, for announcements, XComs and log lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any, Self

import msgspec

from include.gas.documents.doctypes import DAY, MONTH, YEAR
from include.gas.documents.year_counts import StoredYear

DAYS_NAMED = 100
"""Maximum of listed days, the newest; a first launch changes three years."""


@dataclass(frozen=True, slots=True)
class StoreReport:
    """The result of a load.

    :param confirmed: days with a new reading and the same load
    :param stale: days left alone because a newer reading is stored
    :param changed_days: gas days written by this load, or by an earlier attempt from the same answer
    """

    new: int = 0
    corrected: int = 0
    confirmed: int = 0
    unchanged: int = 0
    stale: int = 0
    removed: int = 0
    months: int = 0
    years: int = 0
    changed_days: tuple[date, ...] = ()
    looked_at: tuple[int, ...] = ()
    held: Mapping[int, StoredYear] = field(default_factory=dict)

    @property
    def has_written(self) -> bool:
        """Whether this or an earlier attempt has written a document."""
        return bool(self.changed_days or self.months or self.years)

    def counts(self) -> dict[str, int]:
        """Return only the numbers, for an XCom or a log line."""
        values = ((each.name, getattr(self, each.name)) for each in fields(self))
        return {name: value for name, value in values if isinstance(value, int)}


class Changes(msgspec.Struct, frozen=True, omit_defaults=True):
    """What loads of an account changed, as it is announced: the newest days, at most :data:`DAYS_NAMED`, and counts."""

    first: date | None = None
    last: date | None = None
    days: list[date] = []
    counts: dict[str, int] = {}

    @classmethod
    def sum_of(cls, reports: Iterable[StoreReport]) -> Self:
        """Return the sum of reports, one per meter and answer."""
        reports = list(reports)
        each = [day for report in reports for day in report.changed_days]
        days = sorted(set(each))
        counts = {
            DAY: len(each),
            # A load that continues an interrupted one may find totals written: the days show which.
            MONTH: max(sum(r.months for r in reports), len({(day.year, day.month) for day in days})),
            YEAR: max(sum(r.years for r in reports), len({day.year for day in days})),
        }
        first, last = (days[0], days[-1]) if days else (None, None)
        return cls(first, last, days[-DAYS_NAMED:], {name: number for name, number in counts.items() if number})

    def __bool__(self) -> bool:
        return bool(self.counts)

    def as_json(self) -> dict[str, Any]:
        """Return the changes for :meth:`from_json`."""
        return dict(msgspec.to_builtins(self))

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Return the changes that :meth:`as_json` wrote; none for ``None``."""
        return msgspec.convert(value or {}, cls)
