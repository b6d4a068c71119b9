"""Converts the konnector's documents into ours. It is safe to repeat, to interrupt, and while others store documents.

Each round reads everything, stores our documents with an ordinary load, and reads them back. Only then does it remove
the konnector's documents whose figures were found in what it read back. Each figure is always in at least one document,
so after a run was killed you can just start another one. A document that changes during a round has a new revision, so
it is not removed and is left to the next round.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from include.gas.documents.doctypes import DAY, MONTH, YEAR
from include.gas.documents.gas_days import Document, account_range
from include.gas.documents.load_report import LoadReport
from include.gas.documents.storing import Store, WriteResult, load_answer
from include.gas.documents.totals import bare_total
from include.gas.errors import StoreBusy
from include.gas.konnector.old_documents import Found, sort_documents
from include.gas.konnector.plan import READ_AT, Plan, Report
from include.gas.rights.meter_rights import Held

DOCTYPES = (DAY, MONTH, YEAR)

ROUNDS = 5
"""Number of rounds before giving up because the konnector keeps writing."""


class WholeStore(Store, Protocol):
    """A store whose databases can be read completely."""

    def scan(self, doctype: str) -> Iterable[Document]:
        """Return all documents of a doctype, with ``_id`` and ``_rev``."""
        ...


def look(store: WholeStore, account: str, held: Held, others: Collection[str] = ()) -> Plan:
    """Read all documents and return the plan of the adoption. Write nothing.

    :param account: id of the account that gets the konnector's documents
    :param held: what this account has of the meter that gets them
    :param others: ids of the other accounts; documents that were written for them are left alone
    """
    return Plan(sort_documents(account, held, {doctype: store.scan(doctype) for doctype in DOCTYPES}, others))


def adopt(
    store: WholeStore,
    account: str,
    held: Held,
    others: Collection[str] = (),
    *,
    before_removal: Callable[[], None] = lambda: None,
) -> Report:
    """Convert the konnector's documents into ours and remove them.

    :param account: id of the account that gets the konnector's documents
    :param held: what this account has of the meter that gets them
    :param others: ids of the other accounts; documents that were written for them are left alone
    :param before_removal: called each time after our documents are stored and before the konnector's are removed; if it
        raises, they are kept
    :raises StoreBusy: if documents kept appearing or changing; nothing is lost, and the call can be repeated
    """
    first: Plan | None = None
    removed: Counter[str] = Counter()
    loads: list[LoadReport] = []
    for _ in range(ROUNDS):
        plan = look(store, account, held, others)
        if not plan.found.figures:
            return Report(first or plan, dict(removed), tuple(loads))
        first = first or plan
        loads.append(_store_days(store, plan))
        found = _reread(store, plan.found)
        if _mark_totals(store, Plan(found)):
            found = _reread(store, found)
        before_removal()
        removed += _remove(store, Plan(found))
    raise StoreBusy.about(
        account,
        f"{len(plan.found.figures)} documents of the konnector's were still there after {ROUNDS} rounds",
        "Nothing is lost. Make sure that the konnector is stopped, then start this again.",
    )


class _MarkingStore:
    """Adds the konnector's figures and prices to the new days that a load writes."""

    def __init__(self, store: Store, plan: Plan) -> None:
        self.range, self.fetch = store.range, store.fetch
        self._store, self._plan = store, plan

    def write(self, doctype: str, docs: Collection[Document]) -> WriteResult:
        if doctype == DAY:
            docs = self._plan.noted(DAY, docs)
        return self._store.write(doctype, docs)


def _store_days(store: Store, plan: Plan) -> LoadReport:
    """Store the days that we do not have, note figures and prices on those that we have, and update the totals."""
    found = plan.found
    if notes := _to_write(plan, DAY, found.ours[DAY].values()):
        store.write(DAY, notes)  # before the load, since totals must be written after their days
    readings = (*plan.new_days, *plan.held_days)
    return load_answer(_MarkingStore(store, plan), found.account, found.pce, readings, READ_AT)


def _mark_totals(store: Store, plan: Plan) -> bool:
    """Note the prices of totals, and the figures that no sum of days confirms. Return whether anything was to write."""
    found, wrote = plan.found, False
    for doctype in (MONTH, YEAR):
        own = found.ours[doctype]
        alone = [
            bare_total(found.id_of(period), group[-1].load, 0)  # without stored days
            for period, group in found.periods[doctype].items()
            if found.id_of(period) not in own
            and period not in plan.sums  # otherwise its days were just stored, and a load will write their total
        ]
        if pending := _to_write(plan, doctype, [*own.values(), *alone]):
            wrote = True
            store.write(doctype, pending)  # reading back shows which documents were not stored due to conflicts
    return wrote


def _to_write(plan: Plan, doctype: str, documents: Iterable[Mapping[str, Any]]) -> list[Document]:
    """Return the documents of ours that get a figure or a price of the konnector's, with it."""
    before = [dict(each) for each in documents]
    return [new for old, new in zip(before, plan.noted(doctype, before), strict=True) if new != old]


def _reread(store: Store, found: Found) -> Found:
    """Read our documents again. The konnector's documents stay as first read, with their revisions."""
    keys = account_range(found.account, found.pce)
    ours = {doctype: {doc["_id"]: doc for doc in store.range(doctype, *keys)} for doctype in DOCTYPES}
    return replace(found, ours=ours)


def _remove(store: Store, plan: Plan) -> Counter[str]:
    """Remove the konnector's documents whose figures are in our documents as they were read back."""
    removed: Counter[str] = Counter()
    for doctype in DOCTYPES:
        stubs = [
            {"_id": figure.id, "_rev": figure.rev, "_deleted": True}
            for figure in plan.found.figures
            if figure.doctype == doctype and plan.settled(figure)
        ]
        if stubs:
            removed[doctype] = len(store.write(doctype, stubs).written)
    return removed
