"""What loads have changed, as the announcements, the runs' XComs and the log lines tell it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any, Self

import msgspec

from include.gas.documents.doctypes import DAY, MONTH, YEAR
from include.gas.documents.year_counts import StoredYear

DAYS_NAMED = 100
"""Maximum number of days that are listed, the newest ones. A first launch changes three years of days: its first and
last day are then enough."""


@dataclass(frozen=True, slots=True)
class StoreReport:
    """The result of a load.

    :param new: number of days stored for the first time
    :param corrected: number of days whose load changed
    :param confirmed: number of days of which GRDF said something else or more, but the same load
    :param unchanged: number of days that were already stored like this
    :param stale: number of days left alone because a newer reading is stored
    :param removed: number of days that were removed, since the account may not hold them
    :param months: number of month totals written
    :param years: number of year totals written
    :param changed_days: gas days that this load wrote, or that an earlier attempt wrote from the same answer, in order
    :param looked_at: the calendar years whose days were read
    :param held: summary of the stored days by year, for the years in ``looked_at``
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
        """Whether a document was written, also by an earlier try."""
        return bool(self.changed_days or self.months or self.years)

    def counts(self) -> dict[str, int]:
        """Return only the numbers, for an XCom or a log line."""
        values = ((each.name, getattr(self, each.name)) for each in fields(self))
        return {name: value for name, value in values if isinstance(value, int)}


class Changes(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one or several loads of an account changed, as it is announced.

    :param first: first changed gas day; ``None`` if no day changed
    :param last: last changed gas day; ``None`` if no day changed
    :param days: the newest changed gas days in order, at most :data:`DAYS_NAMED`
    :param counts: number of changed documents by doctype; doctypes without changes are left out
    """

    first: date | None = None
    last: date | None = None
    days: list[date] = []
    counts: dict[str, int] = {}

    @classmethod
    def sum_of(cls, reports: Iterable[StoreReport]) -> Self:
        """Return the sum of what loads changed.

        :param reports: one per meter and answer
        """
        reports = list(reports)
        each = [day for report in reports for day in report.changed_days]
        days = sorted(set(each))
        counts = {
            DAY: len(each),
            # A load that continues an interrupted one may find the totals written. The days say which ones they were.
            MONTH: max(sum(r.months for r in reports), len({(day.year, day.month) for day in days})),
            YEAR: max(sum(r.years for r in reports), len({day.year for day in days})),
        }
        first, last = (days[0], days[-1]) if days else (None, None)
        return cls(first, last, days[-DAYS_NAMED:], {name: number for name, number in counts.items() if number})

    def __bool__(self) -> bool:
        """Return whether anything changed."""
        return bool(self.counts)

    def extras(self, account: str) -> dict[str, dict[str, Any]]:
        """Return the ``extra`` of asset events by doctype. Doctypes without changes are left out.

        The days are not included, because Airflow cannot remove the events of a household that leaves.
        """
        return {doctype: {"account": account, "changed": number} for doctype, number in self.counts.items()}

    def as_json(self) -> dict[str, Any]:
        """Return the changes as JSON for :meth:`from_json`."""
        return dict(msgspec.to_builtins(self))

    @classmethod
    def from_json(cls, told: Any) -> Self:
        """Return the changes that :meth:`as_json` wrote; none for ``None``."""
        return msgspec.convert(told or {}, cls)
