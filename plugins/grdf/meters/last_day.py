"""The last gas day that is stored of a meter, whatever other programs have put between its days."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from include.gas.days.gas_day import YEARS
from include.gas.documents.doctypes import DAY
from include.gas.documents.gas_days import id_range, own_day

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook


def last_stored_day(couchdb: CouchDBHook, account: str, pce: str) -> date | None:
    """Return the last gas day that is stored of a meter; ``None`` if none is."""
    span = id_range(account, pce, date(YEARS[0], 1, 1), date(YEARS[-1] + 1, 1, 1))
    last = couchdb.last_id(DAY, *span)
    if last is None:
        return None
    if day := own_day({"_id": last}):
        return day
    # Another program's document is the last one, which is rare enough to look at all of them.
    return max(filter(None, map(own_day, couchdb.scan(DAY, *span))), default=None)
