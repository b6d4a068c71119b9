"""Windows of gas days. As in ADICT's requests, the first day is included and the end is excluded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

HISTORY_YEARS = 3
"""How far back ADICT serves daily data. It refuses older dates with HTTP 400."""

MARGIN = timedelta(days=2)
"""Days to stay clear of GRDF's limit. GRDF counts the three years from its own "today", so asking for exactly three
years fails around midnight and on 29 February."""

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """A run of at least one gas day.

    :raises ValueError: if ``first`` is not before ``end``
    """

    first: date
    end: date

    def __post_init__(self) -> None:
        """Refuse an empty window: "nothing to ask for" is ``None``, never a window."""
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
        """Return the number of gas days."""
        return (self.end - self.first).days

    def __contains__(self, day: object) -> bool:
        """Return whether a gas day is in the window."""
        return isinstance(day, date) and self.first <= day < self.end

    def __str__(self) -> str:
        """Return the first and the last day as people write a range, both included; one day alone as such."""
        return f"{self.first} to {self.last}" if len(self) > 1 else f"{self.first}"

    def days(self) -> Iterator[date]:
        """Iterate over the gas days in order."""
        return (self.first + timedelta(days=n) for n in range(len(self)))

    def count_common_days(self, other: Window) -> int:
        """Return how many gas days are in another window, too."""
        return max((min(self.end, other.end) - max(self.first, other.first)).days, 0)

    def clip(self, first: date | None = None, end: date | None = None) -> Window | None:
        """Return the part of the window that lies within other bounds.

        :param first: first day to keep; ``None`` for no bound
        :param end: first day not to keep any more; ``None`` for no bound
        :return: ``None`` if nothing is left
        """
        new_first = self.first if first is None else max(self.first, first)
        new_end = self.end if end is None else min(self.end, end)
        return Window.between(new_first, new_end)


def oldest_allowed(today: date, years: int = HISTORY_YEARS) -> date:
    """Return the oldest day that is safe to ask for.

    :param years: how far back GRDF serves the data in question
    """
    return in_years(today, -years) + MARGIN


def in_years(day: date, years: int) -> date:
    """Return the same day some years later, or earlier; 1 March for a 29 February that does not exist then."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)
