"""Brings the month and year totals that come from GRDF's billing periods up to date with the stored periods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.gas.documents.billing.period_totals import is_of_periods, period_totals, to_write, without_days
from include.gas.documents.doctypes import DAY, MONTH, PUBLISHED, YEAR
from include.gas.documents.gas_days import account_range, day_of, is_day, own_day
from include.gas.errors import StoreBusy
from include.gas.meter_tag import meter_tag

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook

TRIES = 5


def write_period_totals(couchdb: CouchDBHook, account: str, pce: str, *, new: bool) -> None:
    """Bring the totals of a meter up to date with its published periods. It may be repeated, also after a kill.

    The totals are read before the periods, and written against the revisions that were read. So if two do this at once,
    the one that has read older ones gets a conflict, or writes first.

    :param new: whether to make totals for all months and years without a stored day, for a meter that cannot have daily
        data. A meter that has totals of periods from before it was exchanged for one with daily data gets those before
        its first stored day in any case: its last period is published after its first days. Those that a meter has are
        kept up to date, and go with their periods
    """
    span = account_range(account, pce)
    for _ in range(TRIES):
        stored = {
            doctype: {each["_id"]: each for each in couchdb.range(doctype, *span) if own_day(each, doctype)}
            for doctype in (MONTH, YEAR)
        }
        periods = couchdb.range(PUBLISHED, *span)
        exchanged = any(is_of_periods(each) for found in stored.values() for each in found.values())
        makes = bool(periods) and (new or exchanged)
        days = [*filter(is_day, couchdb.range(DAY, *span))] if makes else ()
        conflicts = 0
        for doctype, totals in zip((MONTH, YEAR), period_totals(account, pce, periods), strict=True):
            free = without_days(totals, map(day_of, days), only_before=not new) if makes else ()
            if pending := to_write(stored[doctype], totals, new={total["_id"] for total in free}):
                conflicts += len(couchdb.write(doctype, pending).conflicts)
        if not conflicts:
            return
    tag = meter_tag(account, pce)
    raise StoreBusy.about(account, f"others changed the totals of meter {tag} {TRIES} times while they were written")
