"""Windows of gas days: first included, end excluded, as ADICT takes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

HISTORY_YEARS = 3
"""How far back ADICT serves daily data; older dates are refused with HTTP 400."""

MARGIN = timedelta(days=2)
"""GRDF counts the three years from its own today: asking for exactly that fails around midnight and on 29 February."""

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """A non-empty run of gas days.

    :param first: first gas day, included.
    :param end: gas day after the last one, excluded.
    :raises ValueError: if it holds no day.
    """

    first: date
    end: date

    def __post_init__(self) -> None:
        """Refuse an empty window: "nothing to ask" is None, never a window."""
        if self.first >= self.end:
            raise ValueError(f"a window must start before it ends, not from {self.first} to {self.end}")

    @classmethod
    def of(cls, first: date, end: date) -> Window | None:
        """Build a window, or None when it would hold no day."""
        return cls(first, end) if first < end else None

    @property
    def last(self) -> date:
        """The last gas day, included."""
        return self.end - ONE_DAY

    def __len__(self) -> int:
        """Count the gas days."""
        return (self.end - self.first).days

    def __contains__(self, day: object) -> bool:
        """Return whether a gas day is in the window."""
        return isinstance(day, date) and self.first <= day < self.end

    def __str__(self) -> str:
        """Write it for a person."""
        return f"{self.first} to {self.last}"

    def days(self) -> Iterator[date]:
        """Go through the gas days in order."""
        return (self.first + timedelta(days=n) for n in range(len(self)))

    def clip(self, first: date | None = None, end: date | None = None) -> Window | None:
        """Cut the window down to what lies within other bounds.

        :param first: nothing before this day; None is no bound.
        :param end: nothing from this day on; None is no bound.
        :return: what is left, or None.
        """
        new_first = self.first if first is None else max(self.first, first)
        new_end = self.end if end is None else min(self.end, end)
        return Window.of(new_first, new_end)


def oldest_allowed(today: date, years: int = HISTORY_YEARS) -> date:
    """Return the oldest day that is safe to ask for.

    :param today: civil date in Paris.
    :param years: how far back GRDF serves what is asked for.
    """
    year = today.year - years
    try:
        then = today.replace(year=year)
    except ValueError:  # 29 February of a leap year has no twin three or five years before
        then = date(year, 3, 1)
    return then + MARGIN
