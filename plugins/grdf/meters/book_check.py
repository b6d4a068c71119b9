"""The monthly check of a meter's book against the store. It reads all days of the meter, whatever its runs cover.

Missing days become gaps, which runs ask for again. Totals are compared with the sum of the days, corrected, and
counted. GRDF is not asked here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from grdf.meters.notes import note_missing, note_stored, warn_of_lost_days
from include.gas.account.sections.stored import told_years
from include.gas.account.sections.whole_history import history_read
from include.gas.days.gas_day import paris_today
from include.gas.days.windows import Window
from include.gas.documents.doctypes import YEAR
from include.gas.documents.gas_days import Document, account_range, own_day
from include.gas.documents.storing import load_answer
from include.gas.meter_tag import meter_tag

if TYPE_CHECKING:
    from grdf.airflow.tasks.log import Log
    from grdf.hooks.couchdb import CouchDBHook
    from include.gas.rights.meter_rights import Held

YEARS_BACK = 5
"""How many years back to check at least, even if neither the book nor the totals show any data there."""


def hold_book(
    couchdb: CouchDBHook, document: Document, held: Held, log: Log, counts: Counter[str]
) -> Callable[[Document], Document]:
    """Check all that is stored of a meter, remove days that the account may not hold, and correct its totals.

    :param document: the account document, read before the store, so that what it lists was stored at that time
    :param held: what the account has of the meter
    :param counts: incremented by what was found: days that the store has lost, totals that were wrong
    :return: what to record on the account: all missing days, what is stored, and what was lost
    """
    account, pce, now = str(document["_id"]), held.pce, datetime.now(UTC)
    told, today = told_years(document, pce), paris_today(now)
    totals = (own_day(total, YEAR) for total in couchdb.range(YEAR, *account_range(account, pce)))
    years = {*told, *(first.year for first in totals if first), today.year - YEARS_BACK, today.year}
    window = Window(date(min(years), 1, 1), date(max(years) + 1, 1, 1))
    report = load_answer(couchdb, account, pce, (), now, window=window, allowed=held.days)
    counts["books"] += 1
    if lost := warn_of_lost_days(document, pce, report, log):
        counts["days_lost"] += lost
    if mended := report.months + report.years:
        counts["totals_mended"] += mended
        log.warning(
            "Account %s, meter %s: %d month or year total(s) were not the sum of the stored days and have been "
            "corrected.",
            account, meter_tag(account, pce), mended,
        )  # fmt: skip

    def change(stored: dict[str, Any]) -> dict[str, Any]:
        if held.is_open and history_read(stored, held):  # the missing days of a lost meter stay on record
            stored = note_missing(stored, held, report, now)
        return note_stored(stored, pce, report, first_launch=True, before=document)

    return change
