"""Makes the konnector's documents ours; safe to repeat, to interrupt, and while others store.

Each round reads all, stores ours by the way every load goes, reads ours back, and only then removes those of the
konnector's whose figure was found in what was read. At any moment each figure is in the one or in the other, so a run
that was killed is simply started again. A document that changes meanwhile is kept by its revision for the next round.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import Protocol

from include.gas.documents.doctypes import DAY, MONTH, YEAR
from include.gas.documents.gas_days import Document, account_range
from include.gas.documents.storing import LoadReport, Store, WriteResult, load_answer
from include.gas.errors import StoreBusy
from include.gas.konnector.old_documents import Found, sort_documents
from include.gas.konnector.plan import READ_AT, Marks, Plan, Report, lone_total, marked

DOCTYPES = (DAY, MONTH, YEAR)

ROUNDS = 5
"""How often all is read again before giving up on a konnector that keeps writing."""


class WholeStore(Store, Protocol):
    """A store whose databases can be read from end to end."""

    def scan(self, doctype: str) -> Iterable[Document]:
        """Return all documents of a doctype, with ``_id`` and ``_rev``."""
        ...


def look(store: WholeStore, account: str, pce: str, others: Collection[str] = ()) -> Plan:
    """Read what there is and plan its adoption; writes nothing.

    :param store: where the documents live
    :param account: the account that gets the konnector's documents
    :param pce: its meter that gets them
    :param others: ids of the other accounts: what says it was written for them is left alone
    """
    return Plan(sort_documents(account, pce, {doctype: store.scan(doctype) for doctype in DOCTYPES}, others))


def adopt(
    store: WholeStore,
    account: str,
    pce: str,
    others: Collection[str] = (),
    *,
    before_removal: Callable[[], None] = lambda: None,
) -> Report:
    """Make the konnector's documents ours and remove them.

    :param store: where the documents live
    :param account: the account that gets them
    :param pce: its meter that gets them
    :param others: ids of the other accounts
    :param before_removal: called once ours are stored; what it raises keeps the konnector's documents
    :raises StoreBusy: if documents kept appearing or changing; nothing is lost, repeat it
    """
    first: Plan | None = None
    removed: Counter[str] = Counter()
    loads: list[LoadReport] = []
    for _ in range(ROUNDS):
        plan = look(store, account, pce, others)
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
    """Hands a load's new days on with what is to be noted on them."""

    def __init__(self, store: Store, marks: Marks) -> None:
        self.range, self.fetch = store.range, store.fetch
        self._store, self._marks = store, marks

    def write(self, doctype: str, docs: Collection[Document]) -> WriteResult:
        if doctype == DAY:
            docs = [marked(each, self._marks[each["_id"]]) if each["_id"] in self._marks else each for each in docs]
        return self._store.write(doctype, docs)


def _store_days(store: Store, plan: Plan) -> LoadReport:
    """Store the days we do not hold, note other figures on those we do, and bring the totals up to date."""
    found, marks = plan.found, plan.marks(DAY)
    held = found.ours[DAY]
    if notes := [marked(held[key], entries) for key, entries in marks.items() if key in held]:
        store.write(DAY, notes)  # before the load, since whoever writes a day writes its totals afterwards
    readings = (*plan.new_days, *plan.held_days)
    return load_answer(_MarkingStore(store, marks), found.account, found.pce, readings, READ_AT)


def _mark_totals(store: Store, plan: Plan) -> bool:
    """Keep the figures of totals that no sum of days says; tells whether anything was to be written."""
    found, wrote = plan.found, False
    for doctype in (MONTH, YEAR):
        pending: list[Document] = []
        for key, entries in plan.marks(doctype).items():
            own, period = found.ours[doctype].get(key), key.rpartition(":")[2]
            if own is not None:
                pending.append(marked(own, entries))
            elif period not in plan.sums:  # else its days were stored just now, and their total comes
                pending.append(lone_total(found, period, entries))
        if pending:
            wrote = True
            store.write(doctype, pending)  # conflicts: what was not stored is found missing when it is read back
    return wrote


def _reread(store: Store, found: Found) -> Found:
    """Read ours anew; the konnector's documents stay as they were read, held to their revisions."""
    keys = account_range(found.account, found.pce)
    ours = {doctype: {doc["_id"]: doc for doc in store.range(doctype, *keys)} for doctype in DOCTYPES}
    return replace(found, ours=ours)


def _remove(store: Store, plan: Plan) -> Counter[str]:
    """Remove the konnector's documents whose figures are in ours as they were read back."""
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
