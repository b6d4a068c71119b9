"""Takes back the days that a meter's next household has brought into an account, and updates their totals."""

from __future__ import annotations

from collections.abc import Iterable

from include.gas.documents.doctypes import DAY
from include.gas.documents.gas_days import (
    Document,
    account_range,
    is_day,
    load_was_read_since,
    own_day,
    was_read_since,
    without_prices,
)
from include.gas.documents.load_report import LoadReport
from include.gas.documents.storing import Load, Store
from include.gas.documents.year_counts import stored_years


def take_back(store: Store, account: str, pce: str, since: str, years: Iterable[int] = ()) -> LoadReport:
    """Remove the days of a meter whose load was read at or after a moment, and update its totals.

    :param years: years whose totals are recomputed in any case, because an earlier attempt may have removed their days
    :return: the result, in which removed days count as corrected
    """
    stored = store.range(DAY, *account_range(account, pce))
    found = {day.year for document in stored if (day := own_day(document))} | set(years)
    if not found:
        return LoadReport()
    return _TakeBack(store, account, pce, since, range(min(found), max(found) + 1)).run()


def left_by_take_back(store: Store, account: str, pce: str, since: str) -> LoadReport:
    """Return what :func:`take_back` is about to remove, and what it leaves. Nothing is removed yet."""
    stored = [document for document in store.range(DAY, *account_range(account, pce)) if own_day(document)]
    gone = [document for document in stored if _is_foreign(document, since)]
    left = [document for document in stored if is_day(document) and not _is_foreign(document, since)]
    return LoadReport(
        corrected=len(gone),
        changed_days=tuple(sorted(day for document in gone if (day := own_day(document)))),
        looked_at=tuple(sorted({day.year for document in stored if (day := own_day(document))})),
        held=stored_years(left),
    )


class _TakeBack(Load):
    """Removes days and updates their totals, in the same steps as a load."""

    def __init__(self, store: Store, account: str, pce: str, since: str, years: range) -> None:
        super().__init__(store, account, pce, {}, years)
        self.since = since

    def _write_days(self, days: dict[str, Document]) -> bool:
        gone = {
            key: {"_id": key, "_rev": document["_rev"], "_deleted": True}
            for key, document in days.items()
            if own_day(document) and _is_foreign(document, self.since)
        }
        if not gone:
            return True
        result = self.store.write(DAY, gone.values())
        for key in result.written:
            self.outcome[key] = "corrected"
            del days[key]
        return not result.conflicts

    def _write_totals(self, stored: dict[str, dict[str, Document]], days: list[Document]) -> bool:
        """Write the totals as a load does. Of those that change, no price tells what the removed days were."""
        plain = {
            doctype: {key: without_prices(each) for key, each in found.items()} for doctype, found in stored.items()
        }
        return super()._write_totals(plain, days)


def _is_foreign(document: Document, since: str) -> bool:
    """Return whether a day's load was read since a moment. A day that was only confirmed with the same load stays."""
    return load_was_read_since(document, since) if is_day(document) else was_read_since(document, since)
