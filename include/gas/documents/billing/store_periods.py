"""Stores a meter's billing periods, and the month and year totals that are made of them.

It may be repeated, also after a kill. The totals are read before the periods, and all is written against the revisions
that were read. So if two do this at once, the one that has read older ones gets a conflict, or writes first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date
from typing import NamedTuple

from include.gas.answers.consumption.published import Period
from include.gas.answers.consumption.sorting import Answer
from include.gas.days.windows import Window
from include.gas.documents.billing.period_totals import new_until, period_totals, to_write
from include.gas.documents.billing.periods import (
    foreign,
    is_within,
    merge_period,
    period_document,
    readable_periods,
    withdrawn,
)
from include.gas.documents.doctypes import MONTH, PUBLISHED, YEAR
from include.gas.documents.gas_days import Document, account_range, own_day
from include.gas.documents.storing import Store
from include.gas.errors import StoreBusy
from include.gas.meter_tag import meter_tag

Read = tuple[Answer[Period], str]
"""An answer, and when GRDF was asked."""


class PeriodsStored(NamedTuple):
    """What was stored.

    :param counts: number of periods by what became of them: ``new``, ``corrected``, ``removed``
    :param until: first gas day after the newest period that is stored now; ``None`` if none is
    """

    counts: Counter[str]
    until: date | None


def store_periods(
    store: Store, account: str, pce: str, allowed: Sequence[Window], read: Collection[Read], *, daily: bool
) -> PeriodsStored:
    """Store the periods that an account may hold, remove what is outside its days, and bring the totals up to date.

    :param allowed: the gas days of the meter that the account may hold now, in order
    :param read: what GRDF has said; empty if it was not asked
    :param daily: whether GRDF may have daily data for the meter; otherwise its months and years are made of its periods
    :raises StoreBusy: if others have changed the same documents meanwhile
    """
    span = account_range(account, pce)
    months, years = (
        {each["_id"]: each for each in store.range(doctype, *span) if own_day(each, doctype)}
        for doctype in (MONTH, YEAR)
    )
    stored = {each["_id"]: each for each in store.range(PUBLISHED, *span)}
    pending = {each["_id"]: each for each in _pending(account, pce, allowed, stored, read)}
    _write(store, PUBLISHED, pending.values(), account, pce)
    periods = list(readable_periods((stored | pending).values()))
    of_months, of_years = period_totals(account, pce, periods)
    until = new_until(months, daily=daily)
    _write(store, MONTH, to_write(months, of_months, new_until=until), account, pce)
    _write(store, YEAR, to_write(years, of_years, new_until=until), account, pce)
    counts = Counter(
        "removed" if "_deleted" in each else "corrected" if key in stored else "new" for key, each in pending.items()
    )
    return PeriodsStored(counts, max((period.end for period in periods), default=None))


def _pending(
    account: str, pce: str, allowed: Sequence[Window], stored: dict[str, Document], read: Collection[Read]
) -> Iterator[Document]:
    """Yield the periods to write and those to remove; of one that is yielded twice, the last one counts."""
    gone = foreign(stored.values(), allowed)
    gone += (document for answer, _ in read for document in withdrawn(stored.values(), answer))
    for each in gone:
        yield {"_id": each["_id"], "_rev": each["_rev"], "_deleted": True}
    for answer, read_at in read:
        for row in answer.rows:
            new = period_document(account, pce, row, read_at)
            merged = merge_period(stored.get(new["_id"]), new)
            if merged and is_within(row.window, allowed):
                yield merged


def _write(store: Store, doctype: str, documents: Iterable[Document], account: str, pce: str) -> None:
    if store.write(doctype, list(documents)).conflicts:
        said = f"others changed the billing periods or totals of meter {meter_tag(account, pce)} meanwhile"
        raise StoreBusy.about(account, said)
