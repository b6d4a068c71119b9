"""The newest gas days of a meter, one by one, as its account document tells them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from include.gas.account.sections.whole_history import history_since
from include.gas.days.gas_day import ONE_DAY
from include.gas.days.windows import Window
from include.gas.documents.year_counts import ABSENT, RECENT, StoredYear
from include.gas.rights.meter_rights import Held

OUTSIDE = "."
"""Letter of a day that need not be stored, because no right covers it."""
FARTHEST = 3653
"""How many such days are told after the newest stored one, ten years: a document may say any year, also 9999."""


@dataclass(frozen=True, slots=True)
class RecentDays:
    """What is stored of a meter's newest gas days.

    :param first: ordinal of the day of the first letter
    :param letters: one letter per day, see :mod:`include.gas.documents.year_counts` and :data:`OUTSIDE`, up to the
        newest stored day, or to where the right begins that covers the next one
    :param until: ordinal of the last day that should be stored; ``None`` for no end
    """

    first: int
    letters: str
    until: int | None = None


def recent_days(
    document: Mapping[str, Any], held: Held, years: Mapping[int, StoredYear], *, is_read: bool
) -> RecentDays:
    """Return a meter's newest days.

    :param held: what the account has of the meter
    :param years: the summary of the meter's stored days, read once for all that an overview tells
    :param is_read: whether it is read at present; if not, no day after the newest stored one is expected
    """
    asked_from = history_since(document, held.pce)
    until = held.closes.toordinal() - 1 if held.closes and is_read else None
    if not years:
        if asked_from is None:
            return RecentDays(0, "", -1)
        return RecentDays(asked_from.toordinal(), "", until if is_read else asked_from.toordinal() - 1)
    newest = max(years.values(), key=lambda year: year.last)
    last, letters = newest.last, _letters(years, newest)
    begin = min(day for day in (asked_from, *(year.first for year in years.values())) if day)
    letters = letters.rjust(min((last - begin).days + 1, RECENT), ABSENT)
    first = last - timedelta(days=len(letters) - 1)
    if ABSENT in letters:
        letters = _with_outside(letters, first, held)
    following = next((max(part.first, last + ONE_DAY) for part in held.days if part.end > last + ONE_DAY), None)
    if is_read and following:  # another right may begin long after the one before
        letters += OUTSIDE * min((following - last - ONE_DAY).days, FARTHEST)
    return RecentDays(first.toordinal(), letters, until if is_read else last.toordinal())


def _letters(years: Mapping[int, StoredYear], newest: StoredYear) -> str:
    former = years.get(newest.last.year - 1)
    if former is None:
        return newest.letters()
    between = min((newest.first - former.last).days - 1, RECENT)
    return (former.letters() + ABSENT * between + newest.letters())[-RECENT:]


def _with_outside(letters: str, first: date, held: Held) -> str:
    """Return the letters with those days marked that no right covers."""
    window = Window(first, first + len(letters) * ONE_DAY)
    covered = {day for part in held.covered(window) for day in part.days()}
    days = zip(window.days(), letters, strict=True)
    return "".join(OUTSIDE if letter == ABSENT and day not in covered else letter for day, letter in days)
