"""An in-memory store with revisions and conflicts, ways to interleave or kill its users, and what they load into it."""

from __future__ import annotations

import copy
import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from threading import Semaphore
from typing import Any

from include.gas.answers.consumption.daily import Reading
from include.gas.documents.changes import StoreReport
from include.gas.documents.day_documents import day_of
from include.gas.documents.doctypes import DAY, MONTH, YEAR
from include.gas.documents.storing import WriteResult, store_readings

PCE = "09900000000017"
FIRST = date(2023, 12, 29)
"""Day 0 of what tests load: their days cross the end of a month and of a year."""
T0 = datetime(2024, 4, 2, 9, 0, tzinfo=UTC)


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def put(
    store: Any, loads: Mapping[int, Any], minutes: float = 0, account: str = "a", *, first: date = FIRST, **more: Any
) -> StoreReport:
    """Load what GRDF has so many minutes after the first answer; days are numbers, or all that a reading has."""
    readings = [
        Reading(first + timedelta(days=number), **(load if isinstance(load, dict) else {"load": load}))
        for number, load in loads.items()
    ]
    return store_readings(store, account, PCE, readings, T0 + timedelta(minutes=minutes), **more)


def _sums(days: list[dict[str, Any]]) -> dict[str, Any]:
    words = ("measured", "estimated", "corrected")
    volumes = [day["volume"] for day in days if "volume" in day]
    return {
        "load": float(sum(Decimal(repr(day["load"])) for day in days)),
        "days": len(days),
        "volume": float(sum(Decimal(repr(volume)) for volume in volumes)) if volumes else None,
        "volume_days": len(volumes),
        **{f"{word}_days": sum(day["quality"] == word for day in days) for word in words},
    }


class Killed(BaseException):
    """The process has been killed. Nothing may catch this."""


class MemoryStore:
    def __init__(self, **kinds: list[dict[str, Any]]) -> None:
        self.docs: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
        self.calls: list[str] = []
        for kind, documents in kinds.items():
            self.write(f"com.grandlyon.grdf.{kind}", documents)

    def range(self, doctype: str, startkey: str, endkey: str) -> list[dict[str, Any]]:
        self.calls.append("range")
        return [copy.deepcopy(d) for key, d in sorted(self.docs[doctype].items()) if startkey <= key <= endkey]

    def scan(self, doctype: str) -> list[dict[str, Any]]:
        return self.range(doctype, "", "\uffff")

    def fetch(self, doctype: str, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        self.calls.append("fetch")
        return {key: copy.deepcopy(self.docs[doctype][key]) for key in ids if key in self.docs[doctype]}

    def write(self, doctype: str, docs: Iterable[dict[str, Any]]) -> WriteResult:
        self.calls.append("write")
        result = WriteResult()
        for doc in docs:
            if self._put(doctype, doc):
                result.revisions[doc["_id"]] = self.docs[doctype].get(doc["_id"], {}).get("_rev", "gone")
            else:
                result.conflicts.add(doc["_id"])
        return result

    def _put(self, doctype: str, doc: dict[str, Any]) -> bool:
        old = self.docs[doctype].get(doc["_id"])
        if doc.get("_rev") != (old["_rev"] if old else None):
            return False
        if doc.get("_deleted"):
            del self.docs[doctype][doc["_id"]]
            return True
        generation = int(old["_rev"].split("-")[0]) if old else 0
        digest = hashlib.sha256(json.dumps(doc, sort_keys=True).encode()).hexdigest()[:8]
        self.docs[doctype][doc["_id"]] = {**copy.deepcopy(doc), "_rev": f"{generation + 1}-{digest}"}
        return True

    def get(self, doctype: str, period: str) -> dict[str, Any]:
        """Return a document of the account's meter by the end of its id."""
        return self.docs[doctype][f"a:{PCE}:{period}"]

    def periods(self, doctype: str) -> list[str]:
        return [key.rpartition(":")[2] for key in self.docs[doctype]]

    def loads(self) -> dict[str, Any]:
        return {key.rpartition(":")[2]: doc["load"] for key, doc in self.docs[DAY].items()}

    def revs(self) -> dict[str, str]:
        return {key: doc["_rev"] for docs in self.docs.values() for key, doc in docs.items()}

    def check_totals(self, adopted: bool = False) -> None:
        """Adopted figures may have totals of times without a day."""
        for doctype, form in (MONTH, "%Y-%m"), (YEAR, "%Y"):
            days: dict[str, list[Any]] = defaultdict(list)
            for doc in self.docs[DAY].values():
                days[f"{doc['account']}:{doc['pce']}:{day_of(doc).strftime(form)}"].append(doc)
            sums = {key: _sums(docs) for key, docs in days.items()}
            totals = {key: doc for key, doc in self.docs[doctype].items() if doc["days"] or not adopted}
            assert {key: {name: doc[name] for name in sums.get(key, ())} for key, doc in totals.items()} == sums


class Mortal:
    """The user is killed at one call: before it, halfway through a write, or before its answer arrives."""

    def __init__(self, store: MemoryStore, at: int, how: str) -> None:
        self.store, self.at, self.how, self.count = store, at, how, 0

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            dies, self.count = self.count == self.at, self.count + 1
            if dies and self.how == "before":
                raise Killed
            if dies and self.how == "halfway" and name == "write":
                docs = list(args[1])
                self.store.write(args[0], docs[: len(docs) // 2])
                raise Killed
            answer = getattr(self.store, name)(*args)
            if dies:
                raise Killed
            return answer

        return call


class Worker:
    """Runs a function in a thread that stops before every store call until it may go on."""

    def __init__(self, store: MemoryStore, job: Callable[[Any], Any]) -> None:
        self.store, self.go, self.back = store, Semaphore(0), Semaphore(0)
        threads = ThreadPoolExecutor(1)
        self.end = threads.submit(job, self)
        self.end.add_done_callback(lambda _: self.back.release())
        threads.shutdown(wait=False)
        self.back.acquire()

    def step(self) -> None:
        if not self.end.done():
            self.go.release()
            self.back.acquire()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            self.back.release()
            self.go.acquire()
            return getattr(self.store, name)(*args)

        return call


def interleave(store: MemoryStore, jobs: list[Callable[[Any], Any]], order: Iterable[int]) -> None:
    """Run jobs concurrently. They make their store calls one at a time, in a given order, and then run to the end."""
    workers = [Worker(store, job) for job in jobs]
    for which in order:
        workers[which % len(workers)].step()
    for worker in workers:
        while not worker.end.done():
            worker.step()
        worker.end.result()
