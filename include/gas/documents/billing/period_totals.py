"""Month and year totals of meters without daily data (``6M``, ``JJ``), from published periods.

A period's energy is spread evenly over its gas days, exactly: what rounding leaves to one day, the next one gets. Such
a total goes as soon as a day of its time is stored.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from fractions import Fraction
from typing import Any, Final

from include.gas.answers.consumption.published import Period
from include.gas.documents.day_documents import Document, month_id, without_stale_price, year_id
from include.gas.documents.totals import Number, bare_total, exact_sum

SOURCE: Final = "published"
"""``source`` of a total from published periods."""
LAST = "9999-12"
DECIMALS = 3
"""Of the parts of a period with a fraction."""


def period_totals(account: str, pce: str, periods: Iterable[Period]) -> tuple[list[Document], list[Document]]:
    """Return the month and the year totals of a meter's periods, with ``published_days``.

    Of overlapping periods the one that starts first counts, of two with the same start the longer one.
    """
    months, years = defaultdict[str, list[Number]](list), defaultdict[str, list[Number]](list)
    for day, load in _spread(periods):
        months[month_id(account, pce, day.year, day.month)].append(load)
        years[year_id(account, pce, day.year)].append(load)
    return [_total(*each) for each in months.items()], [_total(*each) for each in years.items()]


def _total(document_id: str, loads: list[Number]) -> Document:
    return bare_total(document_id, exact_sum(loads), 0) | {"source": SOURCE, "published_days": len(loads)}


def _spread(periods: Iterable[Period]) -> Iterator[tuple[date, Number]]:
    end = date.min
    before: Number
    for period in sorted(periods, key=lambda period: (period.first, -len(period))):
        if period.first < end:
            continue
        end, before = period.end, 0
        for number, day in enumerate(period.window.days(), start=1):
            until = _share(period.load, number, len(period))
            yield day, exact_sum((until, -before))
            before = until


def _share(load: Number, days: int, of: int) -> Number:
    if days == of:
        return load
    exact = Fraction(load) * days / of
    return int(exact) if isinstance(load, int) else round(float(exact), DECIMALS)


def totals_to_write(stored: Mapping[str, Document], totals: Iterable[Document], *, new_until: str) -> list[Document]:
    """Return totals from periods to write; sums of days stay. A changed one loses its price: it may be another's."""
    wanted = {document["_id"]: document for document in totals}
    pending = [new for key, new in wanted.items() if key not in stored and key.rpartition(":")[2] <= new_until]
    for key, old in stored.items():
        if not is_from_periods(old):
            continue
        document = wanted.get(key)
        if document is None:
            pending.append({"_id": old["_id"], "_rev": old["_rev"], "_deleted": True})
        elif any(old.get(name) != value for name, value in document.items()):
            pending.append({**without_stale_price(old, document["load"]), **document})
    return pending


def last_new_month(months: Mapping[str, Document], *, daily: bool) -> str:
    """Return the last month whose missing total is made, or ``""``; with ``daily`` data, before the first day."""
    if not daily:
        return LAST
    of_days = (key.rpartition(":")[2] for key, total in months.items() if total.get("days"))
    return min(of_days, default=LAST) if any(map(is_from_periods, months.values())) else ""


def is_from_periods(total: Mapping[str, Any]) -> bool:
    """Whether a stored total was made from published periods."""
    return total.get("source") == SOURCE and not total.get("days")
