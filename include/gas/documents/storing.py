"""Stores readings: first the days, then the month and year totals that they belong to.

The order of the steps makes a load safe to repeat, to interrupt, and to run twice at the same time:

1. Read the totals of all years concerned, with their revisions.
2. Read all stored days of these years, merge, and write the days that are new or different.
3. Sum the days that were read or written, and write the sums against the revisions from step 1.

Every load writes a day before its totals. So if another load changes a day after we read it, there are two cases. If it
read the totals before we wrote them, one of us gets a conflict. If it read them later, it also read our days. After any
conflict, a load starts again at step 1. The sums are computed from the days that step 2 read and wrote, so no day is
read twice, and a first import only reads keys that do not exist.

Totals are recomputed even if no day changed, so that a run repairs what an interrupted one left. A total is removed if
none of its days is stored any more. It is removed against its revision from step 1, so that if another load stores one
of its days at that moment, one of the two loads gets a conflict.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Any, Protocol

from include.gas.answers.consumption.daily import Reading
from include.gas.days.gas_day import ONE_DAY
from include.gas.days.windows import Window
from include.gas.documents.day_checks import doubts_about, is_news, with_doubts
from include.gas.documents.doctypes import DAY, MONTH, YEAR
from include.gas.documents.gas_days import (
    Document,
    day_document,
    day_id,
    day_of,
    day_of_id,
    id_range,
    is_day,
    is_stale,
    merge_day,
    month_id,
    own_day,
    without_prices,
    year_id,
)
from include.gas.documents.load_report import WRITTEN, LoadReport, TotalChange
from include.gas.documents.totals import Number, merge_total, month_documents, without_days, year_documents
from include.gas.documents.year_counts import stored_years
from include.gas.errors import StoreBusy
from include.gas.meter_tag import meter_tag

ATTEMPTS = 10
"""How often a load is tried before it gives up because others keep writing the same documents."""


@dataclass(frozen=True, slots=True)
class WriteResult:
    """The result of a bulk write.

    :param written: ids of the documents that were stored
    :param conflicts: ids of those that were not, because somebody else changed them after we read them
    :param revisions: new revision of each stored document, by id
    """

    written: set[str] = field(default_factory=set)
    conflicts: set[str] = field(default_factory=set)
    revisions: dict[str, str] = field(default_factory=dict)


class Store(Protocol):
    """The database operations that a load needs. The CouchDB hook implements them."""

    def range(self, doctype: str, startkey: str, endkey: str) -> list[Document]:
        """Return the documents with ids between two keys, both included, with ``_id`` and ``_rev``."""
        ...

    def fetch(self, doctype: str, ids: Collection[str]) -> dict[str, Document]:
        """Return the documents with some ids, by id and with ``_rev``. Ids without a document are left out."""
        ...

    def write(self, doctype: str, docs: Collection[Document]) -> WriteResult:
        """Write documents, each against its ``_rev``; without one, the document must be new.

        Conflicts are returned. Any other failure is raised.
        """
        ...


def load_answer(
    store: Store,
    account: str,
    pce: str,
    readings: Iterable[Reading],
    read_at: datetime | str,
    *,
    window: Window | None = None,
    checked: bool = False,
    car: Number | None = None,
    allowed: Collection[Window] | None = None,
) -> LoadReport:
    """Store readings of one meter and update its totals.

    This takes 6 store calls for a history of any length, or 3 if nothing changed. Conflicts cost more.

    :param readings: at most one per gas day
    :param read_at: when ADICT was asked: an aware datetime or its ISO text. Stored days that were read later are not
        changed
    :param window: the requested gas days; the totals of all their years are then updated, even without readings
    :param checked: whether to look for what is doubtful, see :mod:`include.gas.documents.day_checks`. If not, days keep
        the doubts that they have
    :param car: the contract's annual reference consumption in kWh, for the checks; ``None`` if unknown
    :param allowed: the days that the account may hold. No other is stored, and stored ones that lie on or after the
        first of them are removed from the years that are read; ``None`` for no bound
    """
    readings = [reading for reading in readings if allowed is None or any(reading.day in each for each in allowed)]
    new = {document["_id"]: document for document in (day_document(account, r, pce, read_at) for r in readings)}
    years = {day_of(document).year for document in new.values()}
    if window is not None:
        years |= {window.first.year, window.last.year}
    if not years:
        return LoadReport()
    span = range(min(years), max(years) + 1)
    check = partial(doubts_about, car=car) if checked else None
    return Load(store, account, pce, new, span, check, allowed).run()


class Load:
    """One load. After a conflict it starts again, and remembers what it has written so far.

    :param new: the day documents to store, by id
    :param years: calendar years whose days are read and whose totals are updated, without gaps
    :param check: returns the doubts about stored days by their ids; ``None`` to keep the doubts that they have
    :param allowed: as for :func:`load_answer`
    """

    def __init__(
        self,
        store: Store,
        account: str,
        pce: str,
        new: dict[str, Document],
        years: range,
        check: Callable[[Iterable[Document]], dict[str, list[str]]] | None = None,
        allowed: Collection[Window] | None = None,
    ) -> None:
        self.store = store
        self.account = account
        self.pce = pce
        self.new = new
        self.check = check
        self.allowed = allowed
        self.removed: set[str] = set()
        self.years = years
        # All months of a year are updated, since its days are read anyway. So any later run of that year repairs a
        # month that an interrupted run left out of date.
        self.ids = {
            MONTH: [month_id(account, pce, year, month) for year in years for month in range(1, 13)],
            YEAR: [year_id(account, pce, year) for year in years],
        }
        self.keys = id_range(account, pce, date(years[0], 1, 1), date(years[-1] + 1, 1, 1))
        self.outcome: dict[str, str] = {}
        self.written: dict[str, set[str]] = {MONTH: set(), YEAR: set()}
        self.changes: dict[str, TotalChange] = {}
        self.stored: dict[str, Document] = {}
        self.ours: set[str] = set()
        self.doubts: dict[date, list[str]] = {}

    def run(self) -> LoadReport:
        """Store the readings."""
        for _ in range(ATTEMPTS):
            stored = {doctype: self.store.fetch(doctype, self.ids[doctype]) for doctype in (MONTH, YEAR)}
            days = {document["_id"]: document for document in self.store.range(DAY, *self.keys)}
            what = "day"
            if self._write_days(days):
                what = "total"
                self.stored = {key: document for key, document in days.items() if is_day(document)}
                if self._write_totals(stored, list(self.stored.values())):
                    return self._report()
        raise _busy(self.account, self.pce, what)

    def _write_days(self, days: dict[str, Document]) -> bool:
        """Write the days that differ and update ``days`` with them. Return ``False`` after a conflict."""
        pending: dict[str, Document] = {}
        kinds: dict[str, str] = {}
        for document_id, document in self.new.items():
            old = days.get(document_id)
            merged = merge_day(old, document)
            if merged is not None:
                pending[document_id] = merged
                kinds[document_id] = _kind(old, document)
            elif document_id not in self.outcome:
                self.outcome[document_id] = "stale" if is_stale(old, document) else "unchanged"
                if old is not None and old.get("read_at") == document["read_at"]:
                    self.ours.add(document_id)  # an earlier attempt wrote it, but failed before announcing it
        gone = {key: document for key, document in days.items() if self._is_foreign(document)}
        for document_id, document in gone.items():
            pending[document_id] = {"_id": document_id, "_rev": document["_rev"], "_deleted": True}
            kinds[document_id] = "corrected"
        for document_id, document in self._with_other_doubts(
            {k: d for k, d in (days | pending).items() if k not in gone}
        ):
            pending[document_id] = document
            kinds.setdefault(document_id, "doubted")
        if not pending:
            return True
        result = self.store.write(DAY, pending.values())
        for document_id in result.written:
            if kinds[document_id] != "doubted" or self.outcome.get(document_id) not in WRITTEN:
                self.outcome[document_id] = kinds[document_id]
            if document_id in gone:
                self.removed.add(document_id)
                del days[document_id]
            else:
                days[document_id] = {**pending[document_id], "_rev": result.revisions[document_id]}
        return not result.conflicts

    def _is_foreign(self, document: Document) -> bool:
        """Return whether a stored day is of another household. What is older than all own days is left alone."""
        day = own_day(document) if self.allowed else None
        return (
            day is not None
            and day >= min(self.allowed or ()).first
            and not any(day in each for each in self.allowed or ())
        )

    def _with_other_doubts(self, days: dict[str, Document]) -> Iterator[tuple[str, Document]]:
        """Yield the days with other doubts than before, as they are to be written. A new day may change others'."""
        readable = [document for document in days.values() if is_day(document)]
        for document_id, words in (self.check(readable) if self.check else {}).items():
            document = days[document_id]
            if words != document.get("doubts", []):
                day = day_of(document)
                before = days.get(day_id(self.account, self.pce, day - ONE_DAY), {})
                if news := [word for word in words if is_news(word, document, before)]:
                    self.doubts[day] = news
                yield document_id, with_doubts(document, words)

    def _write_totals(self, stored: dict[str, dict[str, Document]], days: list[Document]) -> bool:
        """Write the totals that differ from the sums of the days. Return ``False`` after a conflict."""
        totals = {
            MONTH: month_documents(self.account, self.pce, days),
            YEAR: year_documents(self.account, self.pce, days),
        }
        conflict = False
        if self.removed:  # no price may tell what the removed days were
            stored = {
                doctype: {key: without_prices(each) for key, each in found.items()} for doctype, found in stored.items()
            }
        for doctype in (MONTH, YEAR):
            pairs = ((stored[doctype].get(key), total) for key, total in totals[doctype].items())
            pending = [merged for old, total in pairs if (merged := merge_total(old, total)) is not None]
            pending += [
                without for key, old in stored[doctype].items()
                if key not in totals[doctype] and (without := without_days(old)) is not None
            ]  # fmt: skip
            if not pending:
                continue
            result = self.store.write(doctype, pending)
            conflict = conflict or bool(result.conflicts)
            self.written[doctype] |= result.written
            for document in pending:
                if document["_id"] in result.written:
                    self._note(stored[doctype].get(document["_id"]), document)
        return not conflict

    def _note(self, old: Document | None, new: Document) -> None:
        key = new["_id"]
        noted = self.changes.get(key)
        before = noted.before if noted else (None if old is None else old.get("load"))
        self.changes[key] = TotalChange(key, before, new.get("load"))

    def _report(self) -> LoadReport:
        real = tuple(change for _, change in sorted(self.changes.items()) if change.before != change.after)
        replaced = (key for key, change in self.changes.items() if None not in (change.before, change.after))
        months, years = len(self.written[MONTH]), len(self.written[YEAR])
        wrote = {key for key, kind in self.outcome.items() if kind in WRITTEN}
        return LoadReport(
            **_count(self.outcome),
            months=months,
            years=years,
            totals=real,
            replaced=tuple(sorted(replaced)),
            changed_days=tuple(day_of_id(key) for key in sorted(wrote | self.ours)),
            removed_days=tuple(day_of_id(key) for key in sorted(self.removed)),
            doubts=self.doubts,
            looked_at=tuple(self.years),
            held=stored_years(self.stored.values()),
        )


def _kind(old: Document | None, new: Document) -> str:
    if old is None:
        return "new"
    if old.get("load") != new["load"]:
        return "corrected"
    return "completed" if all(old.get(key) == new[key] for key in ("status", "quality")) else "confirmed"


def _count(outcome: dict[str, str]) -> dict[str, Any]:
    kinds = (*WRITTEN, "unchanged", "stale")
    return {kind: sum(1 for each in outcome.values() if each == kind) for kind in kinds}


def _busy(account: str, pce: str, what: str) -> StoreBusy:
    return StoreBusy.about(
        account,
        f"others changed the {what} documents of meter {meter_tag(account, pce)} each of the {ATTEMPTS} times "
        "that we tried to write them",
    )
