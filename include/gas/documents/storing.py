"""Stores readings: first the days, then the month and year totals that they belong to.

This order makes a load safe to repeat, to interrupt, and to run twice at once:

1. Read the totals of all years concerned, with their revisions.
2. Read all stored days of these years, merge, and write the days that are new or different.
3. Sum the days that were read or written, and write the sums against the revisions from step 1.

If another load changes a day after we read it, it either read the totals before we wrote them, and one of us gets a
conflict and starts again; or it read them later, and also our days. Totals are recomputed even without a changed day,
to repair an interrupted run, and removed, against their revision, if no day is left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from include.gas.answers.consumption.daily import Reading
from include.gas.days.windows import Window
from include.gas.documents.changes import StoreReport
from include.gas.documents.day_checks import find_doubts, with_doubts
from include.gas.documents.day_documents import (
    Document,
    day_document,
    day_if_own,
    day_of_id,
    id_range,
    is_day,
    is_stale,
    merge_day,
    month_id,
    year_id,
)
from include.gas.documents.doctypes import DAY, MONTH, YEAR
from include.gas.documents.prices import NO_PRICES, PriceTable, with_price
from include.gas.documents.totals import Number, merge_total, month_documents, year_documents
from include.gas.documents.year_counts import stored_years
from include.gas.errors import StoreBusy
from include.gas.meter_tag import meter_tag

ATTEMPTS = 10
"""Attempts before a load gives up because of conflicting writes."""


@dataclass(frozen=True, slots=True)
class WriteResult:
    """The new revisions by id, and the ids in conflict because of a change after our read."""

    revisions: dict[str, str] = field(default_factory=dict)
    conflicts: set[str] = field(default_factory=set)

    @property
    def written(self) -> set[str]:
        """The ids of the documents that were stored."""
        return set(self.revisions)


class Store(Protocol):
    """The database operations that a load needs; the CouchDB hook has them."""

    def range(self, doctype: str, startkey: str, endkey: str) -> list[Document]:
        """Return the documents with ids between two keys, both included."""
        ...

    def fetch(self, doctype: str, ids: Collection[str]) -> dict[str, Document]:
        """Return the existing documents of some ids, by id and with ``_rev``."""
        ...

    def write(self, doctype: str, docs: Collection[Document]) -> WriteResult:
        """Write documents, each against its ``_rev``, new ones without. Return conflicts, raise failures."""
        ...


def store_readings(
    store: Store,
    account: str,
    pce: str,
    readings: Iterable[Reading],
    read_at: datetime | str,
    *,
    window: Window | None = None,
    car: Number | None = None,
    allowed: Sequence[Window] | None = None,
    tidies: bool = True,
    prices: PriceTable = NO_PRICES,
) -> StoreReport:
    """Store readings of one meter and update its totals, with 6 store calls, or 3 if nothing changed.

    :param readings: at most one per gas day
    :param read_at: when ADICT was asked; days that were read later stay
    :param window: the requested gas days: totals of their years are updated even without readings
    :param car: the contract's annual consumption in kWh, for :mod:`include.gas.documents.day_checks`
    :param allowed: the days that the account may hold; ``None`` for no bound
    :param tidies: whether disallowed days on or after the first allowed one are removed, in the years that are read
    :param prices: what the stored days of these years cost
    """
    own = [reading for reading in readings if allowed is None or any(reading.day in each for each in allowed)]
    days = [day_document(account, reading, pce, read_at) for reading in own]
    windows = [window] if window else []
    return DayStoring(store, account, pce, days, windows, car, allowed if tidies else None, prices).run()


class DayStoring:
    """One load, which starts again after a conflict and remembers what it has written."""

    def __init__(
        self,
        store: Store,
        account: str,
        pce: str,
        days: Iterable[Document],
        windows: Iterable[Window] = (),
        car: Number | None = None,
        allowed: Sequence[Window] | None = None,
        prices: PriceTable = NO_PRICES,
    ) -> None:
        self.store, self.account, self.pce, self.car, self.prices = store, account, pce, car, prices
        self.allowed = allowed or ()
        self.new = {document["_id"]: document for document in days}
        years = {document["year"] for document in self.new.values()}
        years |= {day.year for window in windows for day in (window.first, window.last)}
        self.years = range(min(years), max(years) + 1) if years else range(0)
        self.kinds: dict[str, str] = {}
        self.totals: dict[str, set[str]] = {MONTH: set(), YEAR: set()}

    def run(self) -> StoreReport:
        """Store the days; ``StoreBusy`` after too many conflicts."""
        if not self.years:
            return StoreReport()
        # All months of a year, whose days are read anyway: so any later run repairs what an interrupted one left out.
        months = [month_id(self.account, self.pce, year, month) for year in self.years for month in range(1, 13)]
        years = [year_id(self.account, self.pce, year) for year in self.years]
        span = date(self.years[0], 1, 1), date(self.years[-1] + 1, 1, 1)
        for _ in range(ATTEMPTS):
            totals = {doctype: self.store.fetch(doctype, ids) for doctype, ids in ((MONTH, months), (YEAR, years))}
            found = self.store.range(DAY, *id_range(self.account, self.pce, *span))
            days = {document["_id"]: document for document in found}
            stored = self._write_days(days)
            if stored is not None and self._write_totals(totals, stored):
                return self._report(stored)
        raise StoreBusy.about(
            self.account,
            f"others changed the documents of meter {meter_tag(self.account, self.pce)} each of the {ATTEMPTS} times "
            "that we tried to write them",
        )

    def _write_days(self, days: Mapping[str, Document]) -> list[Document] | None:
        """Write the days that differ and return the readable ones; ``None`` after a conflict."""
        merged = {key: day for key, new in self.new.items() if (day := merge_day(days.get(key), new)) is not None}
        gone = {key: document for key, document in days.items() if self._is_disallowed(document)}
        stored = {key: each for key, each in {**days, **merged}.items() if key not in gone and is_day(each)}
        doubts = find_doubts(stored.values(), self.car)
        judged = {key: with_price(with_doubts(each, doubts.get(key, [])), self.prices) for key, each in stored.items()}
        # A new day may change the doubts of others, and a corrected table their prices.
        pending = merged | {key: document for key, document in judged.items() if document != stored[key]}
        pending |= {key: {"_id": key, "_rev": document["_rev"], "_deleted": True} for key, document in gone.items()}
        result = self.store.write(DAY, pending.values()) if pending else WriteResult()
        for key in result.written - gone.keys():
            stored[key] = {**pending[key], "_rev": result.revisions[key]}
        self._count_outcomes(days, merged.keys(), result.written)
        self.kinds |= dict.fromkeys(result.written & gone.keys(), "removed")
        return None if result.conflicts else list(stored.values())

    def _count_outcomes(
        self, days: Mapping[str, Document], differing: Collection[str], written: Collection[str]
    ) -> None:
        """Note what became of each day. What an earlier attempt has written stays noted."""
        for key, new in self.new.items():
            old = days.get(key)
            if key not in differing:
                self.kinds.setdefault(key, "stale" if is_stale(old, new) else "unchanged")
            elif key in written:
                same = old is not None and old.get("load") == new["load"]
                self.kinds[key] = "new" if old is None else "confirmed" if same else "corrected"

    def _is_disallowed(self, document: Document) -> bool:
        """Whether a stored day is another household's. Days before all own ones are left alone."""
        day = day_if_own(document) if self.allowed else None
        return day is not None and day >= self.allowed[0].first and not any(day in each for each in self.allowed)

    def _write_totals(self, stored: dict[str, dict[str, Document]], days: list[Document]) -> bool:
        """Write the totals that differ from the sums of the days. Return ``False`` after a conflict."""
        conflict = False
        for doctype, documents in (MONTH, month_documents), (YEAR, year_documents):
            sums, old = documents(self.account, self.pce, days, self.prices), stored[doctype]
            pending = [total for key, new in sums.items() if (total := merge_total(old.get(key), new)) is not None]
            pending += [
                {"_id": key, "_rev": total["_rev"], "_deleted": True}
                for key, total in old.items()
                if key not in sums and total.get("days")  # others never were sums of days
            ]
            if pending:
                result = self.store.write(doctype, pending)
                self.totals[doctype] |= result.written
                conflict = conflict or bool(result.conflicts)
        return not conflict

    def _report(self, stored: list[Document]) -> StoreReport:
        # An earlier attempt may have written days of this answer and failed before their announcement.
        now = {document["_id"]: document.get("read_at") for document in stored}
        written = {key for key, new in self.new.items() if now.get(key) == new["read_at"]}
        written |= {key for key, kind in self.kinds.items() if kind == "removed"}
        return StoreReport(
            **Counter(self.kinds.values()),
            months=len(self.totals[MONTH]),
            years=len(self.totals[YEAR]),
            changed_days=tuple(day_of_id(key) for key in sorted(written)),
            looked_at=tuple(self.years),
            held=stored_years(stored),
        )
