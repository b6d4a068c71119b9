"""An in-memory store with documents of the konnector's, for adoption."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterable
from datetime import date
from typing import Any

from include.gas.documents.doctypes import DAY, YEAR
from include.gas.documents.storing import WriteResult
from tests.gas.memory_store import MemoryStore

ids = itertools.count()


class Shelf(MemoryStore):
    """A store that can be read completely, and that removes documents written as deleted."""

    def scan(self, doctype: str) -> list[dict[str, Any]]:
        self.calls.append("scan")
        return [copy.deepcopy(document) for _, document in sorted(self.docs[doctype].items())]

    def write(self, doctype: str, docs: Iterable[dict[str, Any]]) -> WriteResult:
        docs = list(docs)
        result = super().write(doctype, [doc for doc in docs if not doc.get("_deleted")])
        for doc in (doc for doc in docs if doc.get("_deleted")):
            stored = self.docs[doctype].get(doc["_id"])
            if stored is None or stored["_rev"] != doc["_rev"]:
                result.conflicts.add(doc["_id"])
            else:
                del self.docs[doctype][doc["_id"]]
                result.written.add(doc["_id"])
        return result


def konnector(day: date, load: Any, doctype: str = DAY, zero: bool = False, written: str = "") -> dict[str, Any]:
    first = 0 if zero else 1
    document = {"_id": f"{next(ids):032x}", "load": load, "hour": 0, "minute": 0, "year": day.year}
    document["month"] = first if doctype == YEAR else day.month
    document["day"] = day.day if doctype == DAY else first
    if written:
        document["cozyMetadata"] = {"createdAt": written, "sourceAccount": "elsewhere"}
    return document


def shelf(**kinds: list[dict[str, Any]]) -> Shelf:
    """Return a store with some documents: ``day=``, ``month=``, ``year=``."""
    store = Shelf()
    for kind, documents in kinds.items():
        store.write(f"com.grandlyon.grdf.{kind}", documents)
    return store
