"""The households of the store benchmark. Figures follow from number and day, so they are known without storing."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from benchmarks.couch_places import TIMEOUT, Place, Stored
from benchmarks.household import REREAD, SETTLED, answer_body
from include.gas.account.account import ACCOUNT_TYPE
from include.gas.account.status import Reading as Read
from include.gas.account.status import Status
from include.gas.answers.consumption.daily import Reading, parse_daily
from include.gas.days.windows import Window
from include.gas.documents.day_documents import account_range, day_document
from include.gas.documents.doctypes import ACCOUNT, DAY, METER, MONTH, YEAR, database
from include.gas.documents.totals import month_documents, year_documents
from include.gas.documents.year_counts import stored_years
from tests.meter_documents import meter_document

LAST_DAY = date(2026, 2, 5)
"""Before the first daily run. In February runs read the most: two years, 400 days."""
MOST_STEPS = 24
"""Daily runs before the household's February ends."""
BATCH = 2000
DOCTYPES = (DAY, MONTH, YEAR)
WRITERS = 2

Document = dict[str, Any]


@dataclass(frozen=True)
class Member:
    """One household with one meter.

    :param number: from which its meter and figures are computed
    :param history: gas days stored before the first daily run
    """

    account: str
    number: int
    history: int

    @property
    def pce(self) -> str:
        return f"0999999{self.number:07}"

    @property
    def right(self) -> str:
        return f"accreditation-{self.number}"

    @property
    def first(self) -> date:
        return LAST_DAY - timedelta(days=self.history - 1)

    def corrected(self, step: int) -> tuple[date, date]:
        """Return the days corrected before a daily run: one of last year, one recent."""
        newest = LAST_DAY + timedelta(days=step)
        return newest - timedelta(days=min(45, self.history - 1)), newest - timedelta(days=1)

    def loads(self, step: int) -> dict[date, int]:
        """Return GRDF's kWh by gas day at a daily run (0: before the first one)."""
        start = self.number * 31
        days = (self.first + timedelta(days=at) for at in range(self.history + step))
        found = {day: (start + day.toordinal() * 17) % 151 for day in days}
        for number in range(1, step + 1):
            for day in self.corrected(number):
                found[day] += 7
        return found

    def answer(self, step: int) -> tuple[Window, str, str]:
        """Return the answer to a daily run: window, body, time of the request."""
        newest = LAST_DAY + timedelta(days=step)
        window = Window(max(self.first, newest - timedelta(days=REREAD)), newest + timedelta(days=1))
        body = answer_body(self.pce, window, self.loads(step), self.corrected(step), newest)
        return window, body, f"{newest + timedelta(days=1)}T09:00:00+00:00"

    def readings(self, step: int) -> tuple[Reading, ...]:
        window, body, _ = self.answer(step)
        return parse_daily(body, account=self.account, pce=self.pce, window=window).rows

    def documents(self) -> dict[str, list[Document]]:
        """Return everything stored before the first daily run, by doctype."""
        days = []
        for day, load in self.loads(0).items():
            settled = (LAST_DAY - day).days >= SETTLED
            reading = Reading(day=day, load=load, status="definitive" if settled else "provisional", quality="measured")
            days.append(day_document(self.account, reading, self.pce, f"{LAST_DAY}T09:00:00+00:00"))
        months, years = (
            list(make(self.account, self.pce, days).values()) for make in (month_documents, year_documents)
        )
        meter = meter_document(self.pce, self.account, self.right, self.first)
        return {DAY: days, MONTH: months, YEAR: years, ACCOUNT: [self._account_document(days)], METER: [meter]}

    def _account_document(self, days: list[Document]) -> Document:
        meter = {"pce": self.pce, "id_accreditation": self.right}
        document = {
            "_id": self.account,
            "account_type": ACCOUNT_TYPE,
            "name": f"Household {self.number}",
            "oauth": {},
            "oauth_callback_results": {"pce_id": self.pce, "consents": [meter]},
        }
        years = {str(year): each for year, each in stored_years(days).items()}
        return Status.with_reading(document, self.pce, Read(years, LAST_DAY, self.first, (self.right,)))


def other(number: int, history: int) -> Member:
    return Member(f"fleet-{number:06}", number, history)


def write(place: Place, documents: dict[str, list[Document]]) -> None:
    """Store documents in bulk, without changing existing ones; ``RuntimeError`` if CouchDB refuses one."""
    with place.session() as http:
        for doctype, docs in documents.items():
            for at in range(0, len(docs), BATCH):
                body = json.dumps({"docs": docs[at : at + BATCH]}, separators=(",", ":"))
                answer = http.post(
                    place.database(doctype) + "/_bulk_docs",
                    data=body,
                    headers={"Content-Type": "application/json"},
                    timeout=TIMEOUT,
                )
                answer.raise_for_status()
                refused = [row for row in answer.json() if row.get("error") not in (None, "conflict")]
                if refused:
                    raise RuntimeError(f"CouchDB refused {len(refused)} documents of {doctype}: {refused[0]}")


def fill(place: Place, history: int, done: int, wanted: int, until: float) -> Iterator[int]:
    """Store other households ``until`` a ``time.monotonic()``, and yield their number at intervals."""
    size = max(1, BATCH // history)

    def store(first: int) -> int:
        end = min(first + size, wanted)
        merged: dict[str, list[Document]] = {}
        for number in range(first, end):
            for doctype, docs in other(number, history).documents().items():
                merged.setdefault(doctype, []).extend(docs)
        write(place, merged)
        return end

    with ThreadPoolExecutor(WRITERS) as pool:
        while done < wanted and time.monotonic() < until:
            firsts = range(done, min(done + size * WRITERS, wanted), size)
            for end in pool.map(store, firsts):  # in order: a chunk counts once all earlier ones are stored
                yield (done := end)


def stored_of(place: Place, member: Member) -> Stored:
    found: dict[str, list[Document]] = {}
    start, end = account_range(member.account)
    with place.session() as http:
        for doctype in DOCTYPES:
            query = {"startkey": json.dumps(start), "endkey": json.dumps(end), "include_docs": "true"}
            answer = http.get(place.database(doctype) + "/_all_docs", params=query, timeout=TIMEOUT)
            answer.raise_for_status()
            found[doctype] = [row["doc"] for row in answer.json()["rows"]]
    return Stored(
        days=[(date(each["year"], each["month"], each["day"]), each["load"]) for each in found[DAY]],
        months=[(f"{each['year']}-{each['month']:02d}", each["load"]) for each in found[MONTH]],
        years=[(f"{each['year']}", each["load"]) for each in found[YEAR]],
    )


def count(place: Place, doctype: str) -> tuple[int, int | None]:
    """Return a database's number of documents, and its size on disk if reported."""
    with place.session() as http:
        answer = http.get(place.database(doctype), timeout=TIMEOUT)
        answer.raise_for_status()
        said = answer.json()
    indexes = len(database(doctype).indexes)  # CouchDB counts their design documents, too
    return int(said["doc_count"]) - indexes, (said.get("sizes") or {}).get("file")
