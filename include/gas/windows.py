"""Which days to ask for: windows of gas days, first included, end excluded, as ADICT takes them."""

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
        """Tell whether a gas day is in the window."""
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


def daily_window(
    *,
    run_day: date,
    last_stored: date | None,
    history_read: bool,
    reread_days: int,
    today: date,
    consent_first: date | None,
    consent_end: date | None,
    awaited_from: date | None = None,
) -> Window | None:
    """Work out what a daily run asks for, in one call.

    ==============================  =======================================  ===============
    situation                       first day                                end (excluded)
    ==============================  =======================================  ===============
    history of this consent unread  the oldest day GRDF serves               run_day + 1
    nothing missing                 run_day - reread_days                    run_day + 1
    days missing since last_stored  last_stored + 1 - reread_days            run_day + 1
    a past day run again            run_day - reread_days                    run_day + 1
    an older day is still awaited   that day                                 run_day + 1
    history read, nothing stored    the oldest day GRDF serves               run_day + 1
    ==============================  =======================================  ===============

    The result is then cut to the consent, to what GRDF serves, and to days before today.

    :param run_day: the gas day the run is about.
    :param last_stored: newest gas day stored for the meter, or None.
    :param history_read: whether the whole history was read under the present consent.
    :param reread_days: how many days before the first missing one to read again, because GRDF corrects days.
    :param today: civil date in Paris; GRDF refuses an end after it.
    :param consent_first: first day the consent covers, or None for no bound.
    :param consent_end: day from which the consent covers nothing, or None for no bound.
    :param awaited_from: the first missing day that may still come, or None: a newer day that a person had read does not
        hide it.
    :return: the days to ask for, or None when nothing is left to ask.
    :raises ValueError: if reread_days is negative.
    """
    if reread_days < 0:
        raise ValueError(f"reread_days must be 0 or more, not {reread_days}")
    oldest = oldest_allowed(today)
    if not history_read or last_stored is None:  # where nothing has come yet, all of it may come at once
        first = oldest
    else:
        first = min(run_day, last_stored + ONE_DAY) - timedelta(days=reread_days)
        first = first if awaited_from is None else min(first, awaited_from)
    end = min(run_day + ONE_DAY, today)
    if consent_first is not None:
        first = max(first, consent_first)
    if consent_end is not None:
        end = min(end, consent_end)
    return Window.of(max(first, oldest), end)
