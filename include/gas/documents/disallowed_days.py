"""Stored days that an account may not hold: they were read before it was known that its right had ended."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date
from itertools import pairwise

from include.gas.days.gas_day import ONE_DAY
from include.gas.days.windows import Window
from include.gas.documents.day_documents import day_if_own, id_range
from include.gas.documents.doctypes import DAY
from include.gas.documents.storing import Store


def find_disallowed_days(store: Store, account: str, pce: str, allowed: Collection[Window], today: date) -> list[date]:
    """Return the stored days of a meter that lie after the first day an account may hold, and that it may not hold.

    The store is asked only about days up to today that no right covers, so mostly not at all.

    :param allowed: the days that it may hold, in order; with none of them nothing is said
    :param today: civil date in Paris
    """
    gaps = _between(allowed, today)
    found = (document for gap in gaps for document in store.range(DAY, *_keys(account, pce, gap)))
    return [day for document in found if (day := day_if_own(document))]


def _between(allowed: Collection[Window], today: date) -> Iterator[Window]:
    """Yield what lies between the windows, and after the last one, up to today."""
    for one, other in pairwise([*allowed, Window(date.max - ONE_DAY, date.max)] if allowed else []):
        if between := Window.between(one.end, min(other.first, today + ONE_DAY)):
            yield between


def _keys(account: str, pce: str, window: Window) -> tuple[str, str]:
    return id_range(account, pce, window.first, window.end)
