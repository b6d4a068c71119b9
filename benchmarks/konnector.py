"""How Cozy's konnector stores data, reimplemented from public information.

* Days: ``hydrateAndFilter`` reads the whole doctype and drops stored days, also corrected
  ones; ``addData`` sends one document per request.
* Totals: for each period the whole doctype is read, the old document deleted, and its load plus the new days' stored.

The real one goes through cozy-stack; this one saves the stack's work and requests.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from benchmarks.couch_places import TIMEOUT, Place
from include.gas.answers.consumption.daily import Reading
from include.gas.documents.doctypes import DAY, MONTH, YEAR

Document = dict[str, Any]
KEYS = ("year", "month", "day", "hour", "minute")


class Konnector:
    """The konnector for one household's databases."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._http = place.session()
        self.requests_sent = 0

    def close(self) -> None:
        self._http.close()

    def load(self, readings: Iterable[Reading]) -> None:
        new = self._store_new(DAY, [_document(each.day, each.load) for each in readings])
        for doctype, key in ((MONTH, ("year", "month")), (YEAR, ("year",))):
            self._store_new(doctype, self._totals(doctype, key, new))

    def _totals(self, doctype: str, key: Sequence[str], new: list[Document]) -> list[Document]:
        sums: dict[tuple[int, ...], float] = {}
        for document in new:
            period = tuple(document[name] for name in key)
            sums[period] = sums.get(period, 0) + document["load"]
        totals = []
        for period, load in sums.items():
            year, month = (*period, 1)[:2]
            totals.append(_document(date(year, month, 1), load + self._reset(doctype, year, month)))
        return totals

    def _reset(self, doctype: str, year: int, month: int) -> float:
        """Remove a period's total and return its load, reading the whole doctype."""
        load = 0.0
        for document in self._all(doctype):
            if (document["year"], document["month"]) == (year, month):
                load += document["load"]
                self._request("DELETE", doctype, "/" + document["_id"], params={"rev": document["_rev"]})
        return load

    def _store_new(self, doctype: str, documents: list[Document]) -> list[Document]:
        stored = {tuple(document[key] for key in KEYS) for document in self._all(doctype)}
        new = [document for document in documents if tuple(document[key] for key in KEYS) not in stored]
        for document in new:
            self._request("POST", doctype, "", json=document)
        return new

    def _all(self, doctype: str) -> list[Document]:
        answer = self._request("GET", doctype, "/_all_docs", params={"include_docs": "true"})
        return [row["doc"] for row in answer["rows"]]

    def _request(self, method: str, doctype: str, path: str, **more: Any) -> Any:
        self.requests_sent += 1
        answer = self._http.request(method, self._place.database(doctype) + path, timeout=TIMEOUT, **more)
        answer.raise_for_status()
        return answer.json()


def _document(day: date, load: float) -> Document:
    return {
        "load": load,
        "year": day.year,
        "month": day.month,
        "day": day.day,
        "hour": 0,
        "minute": 0,
        "cozyMetadata": {
            "doctypeVersion": 1,
            "createdAt": "2026-01-21T09:00:00.000Z",
            "createdByApp": "grdfgrandlyon",
            "sourceAccount": "bench",
        },
    }
