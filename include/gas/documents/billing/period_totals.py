"""Month and year totals of meters without daily data (``6M``, ``JJ``), from the billing periods that GRDF published.

A period's energy is spread evenly over its gas days, since nothing tells how it was used, and so belongs to the
calendar months that these days are in. The parts of a period add up to it exactly: what rounding leaves to one month,
the next one gets. Such a total says so (``source``), and gives way as soon as a day of its time is stored. Those that
are left then are kept up to date with their periods, and go with them. A meter that is exchanged for one with daily
data still gets those of its last period, for the months before its first day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from fractions import Fraction
from typing import Any, Final

from include.gas.answers.consumption.published import Period
from include.gas.documents.gas_days import Document, month_id, without_prices, year_id
from include.gas.documents.totals import Number, bare_total, exact_sum

SOURCE: Final = "published"
"""The ``source`` of a total that was made from published periods. A sum of days has none."""
LAST = "9999-12"
DECIMALS = 3
"""Of the parts of a period whose energy is no whole number."""


def period_totals(account: str, pce: str, periods: Iterable[Period]) -> tuple[list[Document], list[Document]]:
    """Return the month and the year totals that a meter's periods give.

    :param periods: its stored periods; where two overlap, the one that starts first counts, and of two with the same
        start the longer one
    :return: month totals and year totals; ``published_days`` is the number of gas days that periods cover
    """
    loads: dict[date, list[Number]] = {}
    days: dict[date, int] = {}
    for period in _apart(periods):
        for month, load, number in _parts(period):
            loads.setdefault(month, []).append(load)
            days[month] = days.get(month, 0) + number
    years: dict[int, list[date]] = {}
    for month in sorted(loads):
        years.setdefault(month.year, []).append(month)

    def total(document_id: str, months: list[date]) -> Document:
        load = exact_sum(load for month in months for load in loads[month])
        told = {"source": SOURCE, "published_days": sum(days[month] for month in months)}
        return bare_total(document_id, load, 0) | told

    return (
        [total(month_id(account, pce, month.year, month.month), [month]) for month in sorted(loads)],
        [total(year_id(account, pce, year), months) for year, months in years.items()],
    )


def to_write(stored: Mapping[str, Document], totals: Iterable[Document], *, new_until: str) -> list[Document]:
    """Return what to write so that totals from periods are up to date.

    Sums of days and figures of the konnector stay. Of a total that changes, no price stays: it may have been another
    household's.

    :param stored: all stored month or year totals of the meter, by id
    :param totals: those of :func:`period_totals`
    :param new_until: the last month (``YYYY-MM``) of which to make a total that is missing, see :func:`new_until`
    """
    wanted = {document["_id"]: document for document in totals}
    pending = [new for key, new in wanted.items() if key not in stored and key.rpartition(":")[2] <= new_until]
    for key, old in stored.items():
        if not is_of_periods(old):
            continue
        document = wanted.get(key)
        if document is None:
            pending.append({"_id": old["_id"], "_rev": old["_rev"], "_deleted": True})
        elif any(old.get(name) != value for name, value in document.items()):
            same = old.get("load") == document["load"]
            pending.append({**(old if same else without_prices(old)), **document})
    return pending


def new_until(months: Mapping[str, Document], *, daily: bool) -> str:
    """Return the last month of which to make a total that is missing; ``""`` for none.

    :param months: all stored month totals of the meter, by id
    :param daily: whether GRDF may have daily data for the meter. If so, those are made that come before its first day,
        of one that has others: its last period is published after its first days
    """
    if not daily:
        return LAST
    of_days = (key.rpartition(":")[2] for key, total in months.items() if total.get("days"))
    return min(of_days, default=LAST) if any(map(is_of_periods, months.values())) else ""


def is_of_periods(total: Mapping[str, Any]) -> bool:
    """Whether a stored total was made from published periods."""
    return total.get("source") == SOURCE and not total.get("days")


def _apart(periods: Iterable[Period]) -> Iterator[Period]:
    """Yield the periods without those that overlap an earlier one."""
    end = date.min
    for period in sorted(periods, key=lambda period: (period.first, -len(period))):
        if end <= period.first < period.end:
            yield period
            end = period.end


def _parts(period: Period) -> Iterator[tuple[date, Number, int]]:
    """Yield the calendar months of a period, each with its kWh and its number of gas days."""
    start, before = period.first, 0.0
    while start < period.end:
        month = start.replace(day=1)
        end = min((month + timedelta(days=31)).replace(day=1), period.end)
        until = _share(period.load, (end - period.first).days, len(period))
        yield month, exact_sum((until, -before)), (end - start).days
        start, before = end, until


def _share(load: Number, days: int, of: int) -> Number:
    """Return the energy of the first days of a period."""
    if days == of:
        return load
    exact = Fraction(load) * days / of
    return int(exact) if isinstance(load, int) else round(float(exact), DECIMALS)
