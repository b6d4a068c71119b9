"""Separate sets of databases on a CouchDB: the embedded one, or ``GRDF_TEST_COUCHDB_URL``."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import requests

from include.gas.documents.day_documents import database_name
from include.gas.documents.doctypes import ACCOUNT as ACCOUNTS
from include.gas.documents.doctypes import CITY, DAY, LEASE, MONTH, YEAR
from include.sandbox.couch import EmbeddedCouch

VARIABLE = "GRDF_TEST_COUCHDB_URL"
TIMEOUT = 120
RAW = "bench.raw"
"""A doctype that only the benchmark uses, for the raw write."""


@dataclass(frozen=True)
class Stored:
    """The stored kWh after a run by period, read with plain HTTP: one entry per document."""

    days: Sequence[tuple[date, float]]
    months: Sequence[tuple[str, float]]
    years: Sequence[tuple[str, float]]

    def differences(self, truth: dict[date, int]) -> dict[str, int]:
        """Return how many days, months and years differ from GRDF's kWh by gas day."""
        held = dict(self.days)
        totals = [*self.months, *self.years]
        return {
            "days missing": len(truth.keys() - held.keys()),
            "days wrong": sum(held[day] != load for day, load in truth.items() if day in held),
            "days too many": len(self.days) - len(truth.keys() & held.keys()),
            "totals not the sum of stored days": _off(totals, _sums(held)),
            "totals not GRDF's": _off(totals, _sums(truth)),
        }


@dataclass
class Place:
    """A set of fresh databases on the server with a prefix."""

    url: str
    auth: tuple[str, str] = field(repr=False)
    prefix: str

    def session(self) -> requests.Session:
        session = requests.Session()
        session.auth, session.trust_env = self.auth, False
        return session

    def database(self, doctype: str) -> str:
        return f"{self.url}/{quote(database_name(doctype, self.prefix), safe='')}"

    def create(self, *doctypes: str) -> None:
        with self.session() as http:
            for doctype in doctypes:
                http.put(self.database(doctype), timeout=TIMEOUT).raise_for_status()

    def remove(self) -> None:
        with self.session() as http:
            for doctype in (DAY, MONTH, YEAR, ACCOUNTS, LEASE, CITY, RAW):
                http.delete(self.database(doctype), timeout=TIMEOUT)

    def documents(self, doctype: str) -> list[dict[str, Any]]:
        with self.session() as http:
            answer = http.get(self.database(doctype) + "/_all_docs", params={"include_docs": "true"}, timeout=TIMEOUT)
            answer.raise_for_status()
            rows = [row["doc"] for row in answer.json()["rows"]]
            return [document for document in rows if not document["_id"].startswith("_design/")]

    def stored(self) -> Stored:
        """Return what a run has stored, by the documents' fields: ids differ between ways."""
        days, months, years = (self.documents(doctype) for doctype in (DAY, MONTH, YEAR))
        return Stored(
            days=[(date(each["year"], each["month"], each["day"]), each["load"]) for each in days],
            months=[(f"{each['year']}-{each['month']:02d}", each["load"]) for each in months],
            years=[(f"{each['year']}", each["load"]) for each in years],
        )

    def airflow_connection(self) -> str:
        """Return the Airflow connection to these databases, as JSON."""
        parts = urlsplit(self.url)
        return json.dumps(
            {
                "conn_type": "generic",
                "host": f"{parts.scheme}://{parts.netloc}{parts.path}",
                "login": self.auth[0],
                "password": self.auth[1],
                "extra": {"database_prefix": self.prefix},
            }
        )


@dataclass
class Server:
    """The server that is measured."""

    url: str
    auth: tuple[str, str] = field(repr=False)
    greeting: str
    _used: int = 0

    @contextmanager
    def fresh(self, through: str | None = None) -> Iterator[Place]:
        """Yield a place for databases, through a proxy if given, and remove all afterwards."""
        self._used += 1
        place = Place(through or self.url, self.auth, f"bench-{os.getpid()}-{self._used}-")
        try:
            yield place
        finally:
            place.remove()


@contextmanager
def server(folder: Path) -> Iterator[Server]:
    if named := os.environ.get(VARIABLE):
        parts = urlsplit(named)
        host = parts.netloc.rpartition("@")[2]
        auth = (unquote(parts.username or ""), unquote(parts.password or ""))
        yield _met(f"{parts.scheme}://{host}{parts.path}".rstrip("/"), auth, f"named by {VARIABLE}")
        return
    with EmbeddedCouch(folder) as couch:
        yield _met(couch.url, (couch.user, couch.password), "embedded, LevelDB")


def _met(url: str, auth: tuple[str, str], kind: str) -> Server:
    answer = requests.get(url + "/", auth=auth, timeout=TIMEOUT)
    answer.raise_for_status()
    words = answer.json()
    vendor = (words.get("vendor") or {}).get("name", "unknown vendor")
    return Server(url, auth, f"{words.get('couchdb')} {words.get('version')}, {vendor} ({kind})")


def _sums(days: dict[date, int] | dict[date, float]) -> dict[str, float]:
    sums: dict[str, float] = {}
    for day, load in days.items():  # whole kWh: exact
        for period in (f"{day:%Y-%m}", f"{day:%Y}"):
            sums[period] = sums.get(period, 0) + load
    return sums


def _off(totals: Sequence[tuple[str, float]], sums: dict[str, float]) -> int:
    """Count the periods without exactly one document with the right sum, and other documents."""
    wrong = sum(1 for period in sums if [load for name, load in totals if name == period] != [sums[period]])
    return wrong + sum(1 for name, _ in totals if name not in sums)
