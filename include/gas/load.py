"""Puts readings into a store: days first, then the month and year totals those days belong to.

The order of the steps is what makes it safe to repeat, to interrupt and to run twice at once:

1. read the stored days of the window, merge, write; a conflict means somebody wrote in between: read and merge again;
2. read the totals **before** the days they sum, then the days, then write the sums with the revisions read first. If a
   day changes after we read it, whoever changed it reads the totals later than we did: either our write meets a
   conflict and we do step 2 again, or it comes first and the other one sees it.

Totals are recomputed even when no day changed, so that a run which follows an interrupted one repairs it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

from include.gas.days import ONE_DAY
from include.gas.documents import (
    DAY,
    MONTH,
    YEAR,
    Document,
    day_document,
    id_range,
    is_stale,
    merge_day,
    month_id,
    year_id,
)
from include.gas.errors import StoreBusy
from include.gas.lines import Reading
from include.gas.totals import Number, merge_total, month_documents, touched, year_documents

ATTEMPTS = 10
"""How often a step is done before giving up on a store where others keep writing the same documents."""


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What a bulk write did, document by document.

    :param written: ids that are stored now.
    :param conflicts: ids that are not, because somebody else changed them after we read them.
    """

    written: set[str] = field(default_factory=set)
    conflicts: set[str] = field(default_factory=set)


class Store(Protocol):
    """What a load needs of a database; the CouchDB hook gives the real one."""

    def range(self, doctype: str, startkey: str, endkey: str) -> list[Document]:
        """Return the documents whose ids lie between two keys, both included, with `_id` and `_rev`."""
        ...

    def fetch(self, doctype: str, ids: Collection[str]) -> dict[str, Document]:
        """Return the documents that exist among some ids, by id, with `_rev`."""
        ...

    def write(self, doctype: str, docs: Collection[Document]) -> WriteResult:
        """Write documents, each against its `_rev` (none: it must be new). Raises for anything but a conflict."""
        ...


@dataclass(frozen=True, slots=True)
class TotalChange:
    """A total that this load replaced.

    :param id: id of the month or year document.
    :param before: load in kWh it said before; None if there was none.
    :param after: load in kWh it says now.
    """

    id: str
    before: Number | None
    after: Number


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What a load did.

    :param new: days stored for the first time.
    :param corrected: days whose load changed.
    :param confirmed: days whose status or quality alone changed.
    :param unchanged: days that were stored just so.
    :param stale: days left alone because a later reading is stored.
    :param months: month totals written.
    :param years: year totals written.
    :param totals: totals whose load changed, with old and new loads.
    """

    new: int = 0
    corrected: int = 0
    confirmed: int = 0
    unchanged: int = 0
    stale: int = 0
    months: int = 0
    years: int = 0
    totals: tuple[TotalChange, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether anything was written at all."""
        return bool(self.new or self.corrected or self.confirmed or self.months or self.years)

    def counts(self) -> dict[str, int]:
        """Return the numbers alone, for an XCom or a log line."""
        return {key: value for key, value in asdict(self).items() if isinstance(value, int)}


def load_answer(
    store: Store, account: str, pce: str, readings: Iterable[Reading], read_at: datetime | str
) -> LoadReport:
    """Store readings of one meter and bring its totals up to date.

    Takes 7 store calls however long the history, plus those that conflicts cost, and fewer when nothing changed.

    :param store: where the documents live.
    :param account: account id.
    :param pce: the meter.
    :param readings: one per gas day.
    :param read_at: when ADICT was asked: an aware datetime or its ISO text. Days read later stay as they are.
    :raises StoreBusy: if others kept changing the same documents; repeating the load is safe.
    """
    new = {document["_id"]: document for document in (day_document(account, r, pce, read_at) for r in readings)}
    if not new:
        return LoadReport()
    days = [date(document["year"], document["month"], document["day"]) for document in new.values()]
    outcome = _load_days(store, account, pce, new, min(days), max(days))
    months, years, changes = _load_totals(store, account, pce, days)
    return LoadReport(**_count(outcome), months=months, years=years, totals=changes)


def _load_days(
    store: Store, account: str, pce: str, new: dict[str, Document], first: date, last: date
) -> dict[str, str]:
    keys = id_range(account, pce, first, last + ONE_DAY)
    outcome: dict[str, str] = {}
    for _ in range(ATTEMPTS):
        stored = {document["_id"]: document for document in store.range(DAY, *keys)}
        pending: list[Document] = []
        kinds: dict[str, str] = {}
        for document_id, document in new.items():
            old = stored.get(document_id)
            merged = merge_day(old, document)
            if merged is not None:
                pending.append(merged)
                kinds[document_id] = _kind(old, document)
            elif document_id not in outcome:
                outcome[document_id] = "stale" if is_stale(old, document) else "unchanged"
        if not pending:
            return outcome
        result = store.write(DAY, pending)
        outcome.update((document_id, kind) for document_id, kind in kinds.items() if document_id in result.written)
        if not result.conflicts:
            return outcome
    raise _busy(account, pce, "day")


def _kind(old: Document | None, new: Document) -> str:
    if old is None:
        return "new"
    return "confirmed" if old.get("load") == new["load"] else "corrected"


def _load_totals(
    store: Store, account: str, pce: str, days: Iterable[date]
) -> tuple[int, int, tuple[TotalChange, ...]]:
    _, touched_years = touched(days)
    years = range(touched_years[0], touched_years[-1] + 1)
    # Every month of a touched year is looked at, as its days are read anyway: a month that an interrupted run left
    # behind is then repaired by any later run of that year.
    ids = {
        MONTH: [month_id(account, pce, year, month) for year in years for month in range(1, 13)],
        YEAR: [year_id(account, pce, year) for year in years],
    }
    keys = id_range(account, pce, date(years[0], 1, 1), date(years[-1] + 1, 1, 1))
    written: dict[str, set[str]] = {MONTH: set(), YEAR: set()}
    changes: dict[str, TotalChange] = {}
    for _ in range(ATTEMPTS):
        stored = {doctype: store.fetch(doctype, ids[doctype]) for doctype in (MONTH, YEAR)}
        summed = store.range(DAY, *keys)
        totals = {MONTH: month_documents(account, pce, summed), YEAR: year_documents(account, pce, summed)}
        conflict = False
        for doctype in (MONTH, YEAR):
            pairs = ((stored[doctype].get(key), total) for key, total in totals[doctype].items())
            pending = [merged for old, total in pairs if (merged := merge_total(old, total)) is not None]
            if not pending:
                continue
            result = store.write(doctype, pending)
            conflict = conflict or bool(result.conflicts)
            written[doctype] |= result.written
            for document in pending:
                if document["_id"] in result.written:
                    _note(changes, stored[doctype].get(document["_id"]), document)
        if not conflict:
            real = tuple(change for _, change in sorted(changes.items()) if change.before != change.after)
            return len(written[MONTH]), len(written[YEAR]), real
    raise _busy(account, pce, "total")


def _note(changes: dict[str, TotalChange], old: Document | None, new: Document) -> None:
    key = new["_id"]
    before = changes[key].before if key in changes else (None if old is None else old.get("load"))
    changes[key] = TotalChange(key, before, new["load"])


def _count(outcome: dict[str, str]) -> dict[str, Any]:
    kinds = ("new", "corrected", "confirmed", "unchanged", "stale")
    return {kind: sum(1 for each in outcome.values() if each == kind) for kind in kinds}


def _busy(account: str, pce: str, what: str) -> StoreBusy:
    return StoreBusy.about(
        account, f"the {what} documents of meter {pce} changed each of the {ATTEMPTS} times we tried to write them"
    )
