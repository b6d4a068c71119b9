"""Stored days that an account may not hold: they were read before it was known that its right had ended."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date
from itertools import pairwise

from include.gas.days.gas_day import YEARS
from include.gas.days.windows import Window
from include.gas.documents.doctypes import DAY
from include.gas.documents.gas_days import id_range, own_day
from include.gas.documents.storing import Store


def foreign_days(store: Store, account: str, pce: str, allowed: Collection[Window]) -> list[date]:
    """Return the stored days of a meter that lie after the first day an account may hold, and that it may not hold.

    :param allowed: the days that it may hold, in order; with none of them nothing is said
    """
    found = (document for between in _between(allowed) for document in store.range(DAY, *_keys(account, pce, between)))
    return [day for document in found if (day := own_day(document))]


def _between(allowed: Collection[Window]) -> Iterator[Window]:
    """Yield what lies between the windows, and after the last one."""
    last = date(YEARS[-1] + 1, 1, 1)
    for one, other in pairwise([*allowed, Window(last, date.max)] if allowed else []):
        if between := Window.of(one.end, min(other.first, last)):
            yield between


def _keys(account: str, pce: str, window: Window) -> tuple[str, str]:
    return id_range(account, pce, window.first, window.end)
