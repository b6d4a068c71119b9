"""Gaps between published periods: days that the account's rights cover and that no stored period has.

An ordinary monthly reading asks from two months before the newest stored period, so it never comes back to a period
that was missing from an earlier answer, that CouchDB has lost, or that a right covers only since GRDF's list has
changed. So a gap makes the next reading ask for all periods, in the call that it makes anyway, until GRDF counts as
having nothing there: after two whole answers that left it open, four weeks apart, as for a missing day. Most meters
have a gap before their first period, because a right may begin in the middle of one and GRDF keeps nothing older.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Any

import msgspec

from include.gas.days.windows import Window
from include.gas.documents.billing.periods import readable_periods
from include.gas.documents.gaps import APART

GAPS_KEPT = 24
"""Number of gaps noted per meter, the newest ones. For a meter with more, all periods are asked for each time."""
GAPS_NAMED = 5
"""Number of gaps that a message names."""


class PeriodGap(msgspec.Struct, frozen=True, omit_defaults=True):
    """Days without a published period, as a whole answer about all periods left them.

    :param first: first gas day
    :param since: day on which the first such answer came, in Paris
    :param settled: whether another one came four weeks later or more, so that GRDF counts as having no period there
    """

    first: date
    end: date
    since: date
    settled: bool = False


def open_stretches(documents: Iterable[Mapping[str, Any]], covered: Iterable[Window]) -> list[Window]:
    """Return the days before the newest stored period that are in no stored period. Later ones are still to come.

    :param documents: all stored periods of a meter
    :param covered: the days that GRDF may be asked for, in order and without overlaps
    :return: the days as stretches, in order; empty if no period is stored
    """
    periods = (Window.of(period.first, period.end) for period in readable_periods(documents))
    spans = sorted(span for span in periods if span)
    found: list[Window | None] = []
    for stretch in covered:
        first = stretch.first
        for span in spans:
            found.append(Window.of(first, min(span.first, stretch.end)))
            first = max(first, span.end)
    return [window for window in found if window]


def gaps_left(
    open_: Iterable[Window], before: Collection[PeriodGap] | None, absent: Collection[date], today: date
) -> list[PeriodGap]:
    """Return what to note of the days that whole answers about all periods left open.

    :param open_: the result of :func:`open_stretches` after the answers were stored
    :param before: what was noted before; ``None`` if nothing was
    :param absent: first days of periods that GRDF named without an energy. These may still come, so they stay awaited
    """
    left: list[PeriodGap] = []
    for window in open_:
        known = _noted(window, before or ())
        if known is None or any(day in window for day in absent):
            left.append(PeriodGap(window.first, window.end, today))
        else:
            since = known.since
            left.append(PeriodGap(window.first, window.end, since, known.settled or today - since >= APART))
    return left[-GAPS_KEPT:]


def awaited(open_: Iterable[Window], noted: Collection[PeriodGap] | None) -> list[Window]:
    """Return the stretches for which GRDF may still have a period: all that are not settled.

    :param open_: the result of :func:`open_stretches`
    :param noted: the account's note; ``None`` if all periods were never asked for, or not all that came could be read
    """
    return [window for window in open_ if not ((known := _noted(window, noted or ())) and known.settled)]


def gaps_in_words(
    open_: Collection[Window], noted: Collection[PeriodGap] | None, documents: Iterable[Mapping[str, Any]]
) -> str:
    """Return a message about the days without a period; ``""`` if there is nothing to say.

    That none is older than the first one is no news: most rights begin in the middle of a period.

    :param open_: the result of :func:`open_stretches`
    :param noted: the account's note
    :param documents: all stored periods of the meter
    """
    oldest = min((period.first for period in readable_periods(documents)), default=date.max)
    coming = awaited(between := [window for window in open_ if window.first > oldest], noted)
    said = []
    if coming:
        said.append(f"No billing period is stored for {_named(coming)}. The next reading asks for all periods again.")
    if none := [window for window in between if window not in coming]:
        said.append(f"GRDF has no billing period for {_named(none)}.")
    return " ".join(said)


def _noted(window: Window, noted: Iterable[PeriodGap]) -> PeriodGap | None:
    """Return the noted gap that a stretch lies in."""
    return next((gap for gap in noted if gap.first <= window.first and window.end <= gap.end), None)


def _named(windows: list[Window]) -> str:
    more = len(windows) - GAPS_NAMED
    return ", ".join(map(str, windows[:GAPS_NAMED])) + (f" and {more} more" if more > 0 else "")
