"""Stored days that an account may not hold: read before the end of its right was known."""

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
    """Return the stored days after an account's first allowed day that it may not hold."""
    gaps = _between(allowed, today)
    found = (document for gap in gaps for document in store.range(DAY, *_keys(account, pce, gap)))
    return [day for document in found if (day := day_if_own(document))]


def _between(allowed: Collection[Window], today: date) -> Iterator[Window]:
    for one, other in pairwise([*allowed, Window(date.max - ONE_DAY, date.max)] if allowed else []):
        if between := Window.between(one.end, min(other.first, today + ONE_DAY)):
            yield between


def _keys(account: str, pce: str, window: Window) -> tuple[str, str]:
    return id_range(account, pce, window.first, window.end)
