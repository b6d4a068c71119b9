"""Windows of gas days. As in ADICT's requests, the end is excluded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

HISTORY_YEARS = 3
"""How far back ADICT serves daily data; older dates get HTTP 400."""

MARGIN = timedelta(days=2)
"""Distance from GRDF's limit: exactly three years fail around midnight and on 29 February."""

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """Consecutive gas days; ``ValueError`` if ``first`` is not before ``end``, which is excluded."""

    first: date
    end: date

    def __post_init__(self) -> None:
        if self.first >= self.end:
            raise ValueError(f"a window must start before it ends, not from {self.first} to {self.end}")

    @classmethod
    def between(cls, first: date, end: date) -> Window | None:
        """Return a window, or ``None`` if it would be empty."""
        return cls(first, end) if first < end else None

    @property
    def last(self) -> date:
        """The last gas day, included."""
        return self.end - ONE_DAY

    def __len__(self) -> int:
        return (self.end - self.first).days

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and self.first <= day < self.end

    def __str__(self) -> str:
        """Return the first and the last day, both included, or the one day."""
        return f"{self.first} to {self.last}" if len(self) > 1 else f"{self.first}"

    def days(self) -> Iterator[date]:
        """Iterate over the gas days in order."""
        return (self.first + timedelta(days=n) for n in range(len(self)))

    def count_common_days(self, other: Window) -> int:
        """Return how many gas days two windows share."""
        return max((min(self.end, other.end) - max(self.first, other.first)).days, 0)

    def clip(self, first: date | None = None, end: date | None = None) -> Window | None:
        """Return the part from ``first`` until before ``end``; ``None`` if nothing is left."""
        new_first = self.first if first is None else max(self.first, first)
        new_end = self.end if end is None else min(self.end, end)
        return Window.between(new_first, new_end)


def oldest_allowed(today: date, years: int = HISTORY_YEARS) -> date:
    """Return the oldest day that is safe to ask for."""
    return in_years(today, -years) + MARGIN


def first_kept_day(today: date, years: int = HISTORY_YEARS) -> date:
    """Return the first gas day that is kept with a setting of so many ``years``.

    By default, that of the shortest setting: the years before it are closed under any, as ``grdf_retention`` may have
    removed their days under an earlier one. They are neither asked for (:func:`oldest_allowed` is never before it), nor
    stored, nor summed.
    """
    return date(today.year - years, 1, 1)


def in_years(day: date, years: int) -> date:
    """Return the same day in another year; 1 March for a missing 29 February."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)
