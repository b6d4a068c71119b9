"""Converts the konnector's documents into ours, once.

They have random ids in the same databases and name neither account nor meter. The day of a month and the month of a
year are 1 or 0. ``cozyMetadata`` has moment and account, ``price`` is Ecolyo's.

* A **day** that we lack becomes ours, provisional and read in 1970, so that any reading replaces it.
* A **total** without any stored day becomes ours with ``days: 0``: it is older than GRDF's daily history.
* What we have stays, and the konnector's figure goes.

The last document written for a period counts. Ours are stored before the konnector's are removed, unless changed
meanwhile: safe to repeat and to interrupt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Protocol

from include.gas.account.document_sections import object_or_empty
from include.gas.answers.consumption.daily import Reading
from include.gas.days.gas_day import ONE_DAY, YEARS
from include.gas.days.windows import Window
from include.gas.documents.changes import StoreReport
from include.gas.documents.day_documents import (
    Document,
    account_range,
    day_document,
    day_of,
    is_day,
    is_number,
    parse_date,
)
from include.gas.documents.doctypes import DAY, MONTH, YEAR
from include.gas.documents.storing import DayStoring, Store
from include.gas.documents.totals import bare_total
from include.gas.errors import BadRequest, StoreBusy
from include.gas.rights.meter_rights import MeterAccess

LENGTHS = {DAY: len("2024-03-28"), MONTH: len("2024-03"), YEAR: len("2024")}
"""Characters of the period at the end of our ids."""

READ_AT = "1970-01-01T00:00:00Z"
"""When an adopted day counts as read: before any reading."""

COUNTS: Mapping[str, str] = {
    "days_adopted": "days adopted",
    "days_ours": "days that we have already",
    "totals_kept": "totals of times without any stored day, kept",
    "totals_ours": "totals that are the sums of our days",
    "duplicates": "further documents of the same day, month or year",
    "foreign": "documents of other accounts, left alone",
    "uncovered": "documents of days that its consent does not cover, left alone",
}
"""The counts of a plan in words, in display order."""
_TOTALS = ("totals_kept", "totals_ours")
_COUNTED = {DAY: ("days_adopted", "days_ours"), MONTH: _TOTALS, YEAR: _TOTALS}


class WholeStore(Store, Protocol):
    """A store whose databases can be read completely."""

    def scan(self, doctype: str) -> Iterable[Document]:
        """Return all documents of a doctype, with ``_id`` and ``_rev``."""
        ...


@dataclass(frozen=True)
class Plan:
    """The plan of an adoption: the konnector's documents, which all go, and ours in their place, by doctype."""

    account: str
    pce: str
    theirs: Mapping[str, list[Document]]
    ours: Mapping[str, list[Document]]
    windows: tuple[Window, ...]
    counts: Mapping[str, int]

    def text(self) -> str:
        """Return the counts as Markdown for a log, without loads."""
        lines = [f"* {self.counts[kind]} {words}" for kind, words in COUNTS.items() if self.counts[kind]]
        return "\n".join([f"Account **{self.account}**, documents of the konnector's:", "", *(lines or ["* none"])])


def plan_adoption(store: WholeStore, account: str, access: MeterAccess, others: Collection[str], today: date) -> Plan:
    """Read all documents and return the plan of the adoption; ``BadRequest`` if a document is of neither kind.

    :param access: to the meter that gets the documents; those about disallowed days after its first one stay
    """
    theirs: dict[str, list[Document]] = {doctype: [] for doctype in LENGTHS}
    last: dict[str, dict[str, Document]] = {doctype: {} for doctype in LENGTHS}
    windows, days, counts = [], set[str](), Counter[str]()
    start, end = account_range(account, access.pce)
    for doctype, length in LENGTHS.items():
        for document in sorted(store.scan(doctype), key=_written):
            if document["_id"].startswith("_") or {"account", "pce"} <= document.keys():  # an index
                if start <= document["_id"] <= end and doctype == DAY and is_day(document):
                    days.add(document["_id"].rpartition(":")[2])
                continue
            window = _window(account, doctype, document)
            if object_or_empty(document.get("cozyMetadata")).get("sourceAccount") in others:
                counts["foreign"] += 1
            elif _is_uncovered(window, access, today):
                counts["uncovered"] += 1
            else:
                windows.append(window)
                theirs[doctype].append(document)
                last[doctype][str(window.first)[:length]] = document
    ours = {doctype: _converted_documents(account, access.pce, last, doctype, days) for doctype in LENGTHS}
    for doctype, periods in last.items():
        new, known = _COUNTED[doctype]
        counts[new] += len(ours[doctype])
        counts[known] += len(periods) - len(ours[doctype])
        counts["duplicates"] += len(theirs[doctype]) - len(periods)
    return Plan(account, access.pce, theirs, ours, tuple(windows), {name: counts[name] for name in COUNTS})


def adopt_documents(store: WholeStore, plan: Plan, first: date = date.min) -> StoreReport:
    """Store what becomes ours, with its totals; ``StoreBusy`` on conflicts. It may be repeated.

    :param first: the first day that is kept: of the time before, only months and years are stored
    """
    days = [document for document in plan.ours[DAY] if day_of(document) >= first]
    windows = filter(None, [window.clip(first) for window in plan.windows])
    report = DayStoring(store, plan.account, plan.pce, days, windows).run()
    for doctype in (MONTH, YEAR):
        stored = store.fetch(doctype, [total["_id"] for total in plan.ours[doctype]])
        missing = [total for total in plan.ours[doctype] if total["_id"] not in stored]
        if missing and store.write(doctype, missing).conflicts:
            raise _stop_if_busy(plan)
    return report


def remove_konnector_documents(store: Store, plan: Plan) -> int:
    """Remove the konnector's documents after :func:`adopt_documents`; ``StoreBusy`` if some have changed and stay."""
    removed = 0
    for doctype, documents in plan.theirs.items():
        gone = [{"_id": each["_id"], "_rev": each["_rev"], "_deleted": True} for each in documents]
        result = store.write(doctype, gone)
        removed += len(result.written)
        if result.conflicts:
            raise _stop_if_busy(plan)
    return removed


def _written(document: Document) -> tuple[str, float, str]:
    """Return the sort key of a period's documents. The konnector only adds, so the larger load is later."""
    known = object_or_empty(document.get("cozyMetadata"))
    load = document.get("load")
    return str(known.get("updatedAt") or known.get("createdAt") or ""), load if is_number(load) else 0, document["_id"]


def _converted_documents(
    account: str, pce: str, last: Mapping[str, Mapping[str, Document]], doctype: str, days: Collection[str]
) -> list[Document]:
    had = days if doctype == DAY else {day[: LENGTHS[doctype]] for day in (*days, *last[DAY])}
    return [
        _converted_document(account, pce, period, theirs)
        for period, theirs in last[doctype].items()
        if period not in had
    ]


def _converted_document(account: str, pce: str, period: str, theirs: Document) -> Document:
    load = theirs["load"]
    if len(period) == LENGTHS[DAY]:
        made = day_document(account, Reading(date.fromisoformat(period), load), pce, READ_AT)
    else:
        made = bare_total(f"{account}:{pce}:{period}", load, 0)
    return made | {"price": theirs["price"]} if is_number(theirs.get("price")) else made


def _is_uncovered(window: Window, access: MeterAccess, today: date) -> bool:
    """Return whether days of a period may be another household's. Future days are not."""
    own = window.clip(access.days[0].first, today) if access.days else None
    return own is not None and access.allowed_parts(own) != (own,)


def _window(account: str, doctype: str, document: Mapping[str, Any]) -> Window:
    """Return the gas days of a konnector's document; ``BadRequest`` if it is none."""
    parts = {DAY: 3, MONTH: 2, YEAR: 1}[doctype]
    named, rest = ("year", "month", "day")[:parts], ("month", "day")[parts - 1 :]
    is_whole = all(document.get(name) in (None, 0, 1) for name in rest)
    is_whole = is_whole and all(document.get(name) in (None, 0) for name in ("hour", "minute"))
    is_whole = is_whole and not {"account", "pce"} & document.keys() and ":" not in document["_id"]
    load = document.get("load")
    if is_whole and is_number(load) and load >= 0:
        with suppress(ValueError):
            first = parse_date({name: document.get(name) for name in named})
            if first.year in YEARS:
                length = {DAY: ONE_DAY, MONTH: timedelta(days=31), YEAR: timedelta(days=366)}[doctype]
                end = first + length
                return Window(first, end if doctype == DAY else end.replace(day=1))
    raise BadRequest.about(
        account,
        f"document {document['_id']} of {doctype} is neither ours nor one that the konnector writes",
        "Nothing was changed. Correct it or remove it, then start this again.",
    )


def _stop_if_busy(plan: Plan) -> StoreBusy:
    return StoreBusy.about(
        plan.account,
        "documents that the konnector left, or totals of the same times, were changed meanwhile",
        "Nothing is lost. Make sure that the konnector is stopped; it is tried again automatically.",
    )
