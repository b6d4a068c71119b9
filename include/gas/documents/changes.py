"""Summarises what loads changed for an announcement: which gas days, and how many months and years."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Self

from include.gas.documents.doctypes import DAY, MONTH, YEAR
from include.gas.documents.load_report import LoadReport
from include.gas.errors import ODD_DOCUMENT

DAYS_NAMED = 100
"""Maximum number of days that are listed, the newest ones. A first launch changes three years of days: its first and
last day are then enough."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What one or several loads of an account changed.

    :param first: first changed gas day; ``None`` if no day changed
    :param last: last changed gas day; ``None`` if no day changed
    :param days: the newest changed gas days in order, at most :data:`DAYS_NAMED`
    :param counts: pairs of a doctype and its number of changed documents; doctypes without changes are left out
    """

    first: date | None = None
    last: date | None = None
    days: tuple[date, ...] = ()
    counts: tuple[tuple[str, int], ...] = ()

    @classmethod
    def of(cls, reports: Iterable[LoadReport]) -> Self:
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
        return cls._made(days, counts, days[0] if days else None)

    @classmethod
    def _made(cls, days: list[date], counts: Mapping[str, int], first: date | None) -> Self:
        numbers = tuple((doctype, number) for doctype, number in counts.items() if number)
        return cls(first, days[-1] if days else None, tuple(days[-DAYS_NAMED:]), numbers)

    def __bool__(self) -> bool:
        """Return whether anything changed."""
        return bool(self.counts)

    def extras(self, account: str) -> dict[str, dict[str, Any]]:
        """Return the ``extra`` of asset events by doctype. Doctypes without changes are left out.

        The days are not included, because Airflow cannot remove the events of a household that leaves.
        """
        return {doctype: {"account": account, "changed": number} for doctype, number in self.counts}

    def as_json(self) -> dict[str, Any]:
        """Return the changes as JSON for :meth:`from_json`."""
        return {
            "first": self.first.isoformat() if self.first else None,
            "days": [day.isoformat() for day in self.days],
            "counts": dict(self.counts),
        }

    @classmethod
    def from_json(cls, told: Any) -> Self:
        """Return the changes that :meth:`as_json` wrote. Any other JSON value counts as no changes."""
        try:
            days = sorted(date.fromisoformat(day) for day in told["days"])
            first = date.fromisoformat(told["first"]) if told["first"] else None
            counts = {str(name): int(number) for name, number in told["counts"].items()}
        except ODD_DOCUMENT:
            return cls()
        return cls._made(days, counts, first)
