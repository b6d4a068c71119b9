"""What loads have changed, in a form small enough to announce: which gas days, and how many months and years."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Self

from include.gas.documents.doctypes import DAY, MONTH, YEAR
from include.gas.documents.storing import LoadReport

DAYS_NAMED = 100
"""Days that are named one by one, the newest; a first launch of three years is told by its first and last day."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What one or several loads of an account have changed.

    :param first: first changed gas day, None when no day changed
    :param last: last changed gas day
    :param days: the newest changed gas days, at most :data:`DAYS_NAMED`, in order
    :param counts: doctype to number of changed documents; none that is 0
    """

    first: date | None = None
    last: date | None = None
    days: tuple[date, ...] = ()
    counts: tuple[tuple[str, int], ...] = ()

    @classmethod
    def of(cls, reports: Iterable[LoadReport]) -> Self:
        """Add up what loads did.

        :param reports: what each did, one per meter and answer
        """
        reports = list(reports)
        each = [day for report in reports for day in report.changed_days]
        days = sorted(set(each))
        counts = {
            DAY: len(each),
            # A load that takes up an interrupted one finds its totals written: the days tell which they were.
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

    def __add__(self, other: Changes) -> Changes:
        """Put two together; a day that changed twice counts twice and is named once."""
        days = sorted({*self.days, *other.days})
        counts = dict(self.counts)
        for doctype, number in other.counts:
            counts[doctype] = counts.get(doctype, 0) + number
        return Changes._made(days, counts, min((d for d in (self.first, other.first) if d), default=None))

    def extras(self, account: str) -> dict[str, dict[str, Any]]:
        """Return what an asset event says, by doctype; doctypes without a change have none.

        The days are not among it: Airflow has no way to remove an event of a household that leaves.

        :param account: account id
        """
        return {doctype: {"account": account, "changed": number} for doctype, number in self.counts}

    def as_json(self) -> dict[str, Any]:
        """Write it as JSON; :meth:`from_json` reads it."""
        return {
            "first": self.first.isoformat() if self.first else None,
            "days": [day.isoformat() for day in self.days],
            "counts": dict(self.counts),
        }

    @classmethod
    def from_json(cls, told: object) -> Self:
        """Read what :meth:`as_json` wrote; anything else is no change.

        :param told: a JSON value
        """
        try:
            days = sorted(date.fromisoformat(day) for day in told["days"])  # type: ignore[index]  # odd values: below
            first = date.fromisoformat(told["first"]) if told["first"] else None  # type: ignore[index]  # as above
            counts = {str(name): int(number) for name, number in told["counts"].items()}  # type: ignore[index]  # too
        except (TypeError, KeyError, ValueError, AttributeError, OverflowError):
            return cls()
        return cls._made(days, counts, first)
