"""Cells that show a meter's consumption by day, month or year, or why there is none. Missing is never 0."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Any

from include.gas.days.gas_day import ONE_DAY
from include.gas.days.windows import Window
from include.gas.display.meter_days import DueDays
from include.gas.documents.billing.period_totals import is_from_periods
from include.gas.documents.day_checks import WORDS, is_doubted
from include.gas.documents.day_documents import Document, day_if_own, has_load, is_day, is_number, parse_date
from include.gas.documents.doctypes import MONTH, YEAR
from include.gas.documents.totals import Number, exact_sum


class Kind(StrEnum):
    """What kind of figure a cell has, or why it has none."""

    MEASURED = "measured"
    ESTIMATED = "estimated"
    PROVISIONAL = "provisional"
    WHOLE = "whole"
    SO_FAR = "so_far"
    PARTIAL = "partial"
    CUT = "cut"
    ADOPTED = "adopted"
    PUBLISHED = "published"
    AWAITED = "awaited"
    NONE = "none"
    EXPECTED = "expected"
    OUTSIDE = "outside"


GAPS = frozenset({Kind.AWAITED, Kind.NONE})
"""Kinds with something missing that should be stored."""
UNFINISHED = frozenset({Kind.SO_FAR, Kind.PARTIAL, Kind.CUT})
"""Kinds of sums that lack days: not published yet, missing, or outside of what is shared."""


@dataclass(frozen=True, slots=True)
class Change:
    """A correction of a day: from ``before`` in kWh, if that was readable, ``at`` a UTC text."""

    at: str
    before: Number | None


@dataclass(frozen=True, slots=True)
class Cell:
    """One day, month or year of a meter, in kWh.

    :param before: of the ``compared`` days one year earlier, or of the whole period if this one has no figure
    :param part: of a total from billing periods that cover only a part: the covered days and all its days
    :param compared: the number of days that both years have; ``matched`` is their load
    :param former: the whole period one year earlier, of which only ``former_days`` are stored unless 0
    :param price: in €
    """

    first: date
    kind: Kind
    load: Number | None = None
    before: Number | None = None
    days: int = 0
    expected: int = 0
    changes: tuple[Change, ...] = ()
    doubts: tuple[str, ...] = ()
    part: tuple[int, int] | None = None
    compared: int = 0
    matched: Number | None = None
    former: Number | None = None
    former_days: int = 0
    price: Number | None = None


def _why_none(due: DueDays, first: date, end: date) -> Kind:
    if not due.between(first, end):
        return Kind.EXPECTED if due.goes_on and end > due.end else Kind.OUTSIDE
    return Kind.AWAITED if due.between(max(first, due.settled), end) else Kind.NONE


def year_before(day: date) -> date | None:
    """Return the same day one year earlier; ``None`` for 29 February."""
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return None


def day_cells(month: date, documents: Iterable[Mapping[str, Any]], due: DueDays) -> tuple[Cell, ...]:
    """Return the cells for the days of the month of a day."""
    stored, first = _by_day(documents), month.replace(day=1)
    days = Window(first, (first + timedelta(days=31)).replace(day=1)).days()
    return tuple(_day_cell(day, stored, due) for day in days)


def _by_day(documents: Iterable[Mapping[str, Any]]) -> dict[date, Mapping[str, Any]]:
    return {day: document for document in documents if is_day(document) and (day := day_if_own(document))}


def _day_cell(day: date, stored: Mapping[date, Mapping[str, Any]], due: DueDays) -> Cell:
    former = stored.get(earlier) if (earlier := year_before(day)) else None
    before = former.get("load") if former else None
    expected = due.number(day, day + ONE_DAY)
    document = stored.get(day)
    if document is None:
        return Cell(day, _why_none(due, day, day + ONE_DAY), before=before, expected=expected)
    kind = Kind.MEASURED
    if document.get("status") == "provisional":
        kind = Kind.PROVISIONAL
    elif document.get("quality") == "estimated":
        kind = Kind.ESTIMATED
    doubts = tuple(word for word in WORDS if is_doubted(document, word))
    changes, price = tuple(_changes(document)), _price(document)
    return Cell(day, kind, document["load"], before, 1, expected, changes, doubts, price=price)


def _price(document: Mapping[str, Any]) -> Number | None:
    price = document.get("price")
    return price if is_number(price) else None


def month_cells(year: int, totals: Iterable[Document], due: DueDays, days: Iterable[Document] = ()) -> tuple[Cell, ...]:
    """Return the cells for the months of a year."""
    firsts = [date(year + month // 12, month % 12 + 1, 1) for month in range(13)]
    return _total_cells(firsts, dict(_readable(totals, MONTH)), due, days)


def year_cells(totals: Iterable[Document], due: DueDays, days: Iterable[Document] = ()) -> tuple[Cell, ...]:
    """Return the cells for all years from the first to the last stored one."""
    stored = dict(_readable(totals, YEAR))
    firsts = [date(year, 1, 1) for year in range(min(stored).year, max(stored).year + 2)] if stored else []
    return _total_cells(firsts, stored, due, days)


def _total_cells(
    firsts: Iterable[date], stored: Mapping[date, Mapping[str, Any]], due: DueDays, days: Iterable[Document]
) -> tuple[Cell, ...]:
    by_day = _by_day(days)
    return tuple(
        _total_cell(Window(first, end), stored.get(first), stored.get(first.replace(year=first.year - 1)), due, by_day)
        for first, end in pairwise(firsts)
    )


def _readable(totals: Iterable[Mapping[str, Any]], doctype: str) -> Iterator[tuple[date, Mapping[str, Any]]]:
    named = ("year", "month") if doctype == MONTH else ("year",)
    for total in totals:
        with suppress(ValueError):
            first = parse_date({name: total.get(name) for name in named}, strict=False)
            has_days = is_number(total.get("days") or 0) and _days_in(total) >= 0
            if has_load(total) and has_days and first == day_if_own(total, doctype):
                yield first, total


def _days_in(total: Mapping[str, Any]) -> int:
    return int(total.get("days") or 0)


def _total_cell(
    period: Window,
    total: Mapping[str, Any] | None,
    former: Mapping[str, Any] | None,
    due: DueDays,
    by_day: Mapping[date, Mapping[str, Any]],
) -> Cell:
    first, end = period.first, period.end
    compared = _compared(period, total, former, by_day) if former else {}
    if total is None:
        return Cell(first, _why_none(due, first, end), expected=due.number(first, end), **compared)
    # Days that came before they were due fill no hole.
    early = sum(max(first, due.end) <= day < end for day in by_day)
    covered, expected = _covered(total), due.number(first, end) + early
    if is_from_periods(total):
        part = (covered, len(period)) if 0 < covered < len(period) else None
        return Cell(first, Kind.PUBLISHED, total["load"], part=part, **compared)
    kind = Kind.WHOLE
    if not covered:
        kind = Kind.ADOPTED
    elif covered < expected:
        kind = Kind.PARTIAL
    elif covered < len(period):
        kind = Kind.SO_FAR if due.goes_on and end > due.end else Kind.CUT
    return Cell(first, kind, total["load"], days=covered, expected=expected, price=_price(total), **compared)


def _compared(
    period: Window,
    total: Mapping[str, Any] | None,
    former: Mapping[str, Any],
    by_day: Mapping[date, Mapping[str, Any]],
) -> dict[str, Any]:
    before = Window(period.first.replace(year=period.first.year - 1), period.end.replace(year=period.end.year - 1))
    covered = _covered(former)
    found = {"former": former["load"], "former_days": covered if covered < len(before) else 0}
    pairs = [
        (by_day[day]["load"], by_day[earlier]["load"])
        for day in period.days()
        if day in by_day and (earlier := year_before(day)) and earlier in by_day
    ]
    if pairs:
        now, then = zip(*pairs, strict=True)
        return found | {"before": exact_sum(then), "matched": exact_sum(now), "compared": len(pairs)}
    if total is None:
        return found | {"before": former["load"]}
    if _covered(total) == len(period) == len(before) == covered:
        return found | {"before": former["load"], "matched": total["load"], "compared": covered}
    return found


def _covered(total: Mapping[str, Any]) -> int:
    """Return the number of days that a total covers, 0 if that is not known."""
    days = total.get("published_days") if is_from_periods(total) else _days_in(total)
    return days if isinstance(days, int) and days > 0 else 0


def _changes(document: Mapping[str, Any]) -> Iterator[Change]:
    changes = document.get("changes")
    for change in changes if isinstance(changes, list) else ():
        if isinstance(change, Mapping):
            yield Change(str(change.get("at", "")), load if is_number(load := change.get("before")) else None)
