"""The compared ways of getting a household's gas days to CouchDB."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from datetime import date
from typing import Any

import requests
from airflow.sdk.bases.operator import ExecutorSafeguard

from benchmarks import konnector
from benchmarks.couch_places import RAW, TIMEOUT, Stored
from benchmarks.scene import ACCOUNT, FIRST, Site
from grdf.hooks.adict import AdictHook
from grdf.hooks.couchdb import CouchDBHook
from grdf.operators.acquire_token import AcquireTokenOperator
from grdf.operators.base import AccountOperator
from grdf.operators.extract import ExtractOperator
from grdf.operators.load import LoadOperator
from grdf.operators.rescope_token import RescopeTokenOperator
from include.gas.answers.consumption.daily import Reading, parse_daily
from include.gas.days.windows import Window
from include.gas.documents.day_documents import day_document
from include.gas.documents.doctypes import ACCOUNT as ACCOUNTS
from include.gas.documents.doctypes import DAY, METER, MONTH, YEAR
from include.gas.documents.storing import store_readings
from include.gas.documents.totals import month_documents, year_documents
from tests.helpers import MemoryShelf, context

Document = dict[str, Any]


class Way(ABC):
    """One way, with separate databases."""

    name = ""
    blind_to_corrections = False

    def __init__(self, site: Site) -> None:
        self.site = site

    def begin(self) -> None:
        self.site.place.create(DAY, MONTH, YEAR, ACCOUNTS)

    @abstractmethod
    def run(self, run: str) -> None:
        """Do the first import or the daily run."""

    def stored(self) -> Stored:
        return self.site.place.stored()

    def close(self) -> None:  # noqa: B027 - most have nothing open between runs
        """Close all connections."""


class Floor(Way):
    """The minimum: one call for the days, and one raw ``_bulk_docs``.

    It remembers its token and revisions, and uses one database for all three doctypes.
    """

    name = "the floor: one raw _bulk_docs"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._http = site.place.session()
        self._held: dict[str, Document] = {}
        self._token = ""

    def begin(self) -> None:
        self.site.place.create(RAW, ACCOUNTS)

    def run(self, run: str) -> None:
        with requests.Session() as http:
            self._token = self._token or data_token(http, self.site)
            told = plain_days(http, self.site, self._token, run)
        days = {key: document for key, document in self._held.items() if len(key.rpartition(":")[2]) == 10}
        for day, load in told.items():
            document = day_document(ACCOUNT, Reading(day=day, load=load), self.site.pce, f"{self.site.today}T09:00Z")
            days[document["_id"]] = document
        new = days | month_documents(ACCOUNT, self.site.pce, days.values())
        new |= year_documents(ACCOUNT, self.site.pce, days.values())
        changed = [
            document | ({"_rev": self._held[key]["_rev"]} if key in self._held else {})
            for key, document in new.items()
            if key not in self._held or document["load"] != self._held[key]["load"]
        ]
        answer = self._http.post(self.site.place.database(RAW) + "/_bulk_docs", json={"docs": changed}, timeout=TIMEOUT)
        answer.raise_for_status()
        for document, row in zip(changed, answer.json(), strict=True):
            if "error" in row:
                raise RuntimeError(f"CouchDB refused a document of the raw write: {row}")
            self._held[row["id"]] = document | {"_rev": row["rev"]}

    def stored(self) -> Stored:
        held: dict[int, list[Document]] = {10: [], 7: [], 4: []}
        for document in self.site.place.documents(RAW):
            held[len(document["_id"].rpartition(":")[2])].append(document)
        return Stored(
            days=[(date(each["year"], each["month"], each["day"]), each["load"]) for each in held[10]],
            months=[(f"{each['year']}-{each['month']:02d}", each["load"]) for each in held[7]],
            years=[(f"{each['year']}", each["load"]) for each in held[4]],
        )

    def close(self) -> None:
        self._http.close()


class Tasks(Way):
    """The project's four tasks in a row, each with its own clients; the token is at hand."""

    name = "ours: the DAG's four tasks"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._shelf = MemoryShelf()

    def begin(self) -> None:
        self.site.connect()
        hook = CouchDBHook()
        for doctype in (DAY, MONTH, YEAR, ACCOUNTS, METER):
            hook.create_database(doctype)
        hook.get_conn().close()

    def run(self, run: str) -> None:
        self.site.connect()
        ExecutorSafeguard.test_mode = True  # they are run here without Airflow's task runner
        shelf = self._shelf
        at = context(date.fromordinal(self.site.today.toordinal() - 1), run_id=run)
        self._do(AcquireTokenOperator(task_id="acquire_token", account_id=ACCOUNT), shelf, at)
        self._do(RescopeTokenOperator(task_id="rescope_token", account_id=ACCOUNT), shelf, at)
        staged = self._do(ExtractOperator(task_id="extract", account_id=ACCOUNT), shelf, at)
        self._do(LoadOperator(task_id="load", account_id=ACCOUNT, staged=staged), shelf, at)

    def _do(self, task: AccountOperator, shelf: MemoryShelf, at: dict[str, Any]) -> Any:
        task.__dict__["adict"] = AdictHook(token_store=shelf)
        try:
            return task.execute(at)  # type: ignore[arg-type]  # the part of the context that is read
        finally:
            task.couchdb.get_conn().close()


class CallAndLoad(Way):
    """The core of the tasks: one call and one load."""

    name = "ours: the call and the load alone"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._shelf = MemoryShelf()

    def run(self, run: str) -> None:
        self.site.connect()
        couchdb, window = CouchDBHook(), Window(*self.site.window(run))
        answer = AdictHook(token_store=self._shelf).daily_lines(self.site.pce, window, account=ACCOUNT)
        readings = parse_daily(answer.body, account=ACCOUNT, pce=self.site.pce, window=window).rows
        store_readings(couchdb, ACCOUNT, self.site.pce, readings, answer.read_at)
        couchdb.get_conn().close()


class Konnector(Way):
    """The konnector's window of three years, and its way of storing."""

    name = "the konnector's algorithm"
    blind_to_corrections = True

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._konnector = konnector.Konnector(site.place)

    def run(self, run: str) -> None:  # noqa: ARG002 - it does the same each time
        with requests.Session() as http:
            told = plain_days(http, self.site, data_token(http, self.site), FIRST)
        self._konnector.load([Reading(day=day, load=load) for day, load in told.items()])

    def close(self) -> None:
        self._konnector.close()


def data_token(http: requests.Session, site: Site) -> str:
    form = {
        "grant_type": "client_credentials",
        "client_id": site.grdf["client_id"],
        "client_secret": site.grdf["client_secret"],
        "scope": "/adict/v2",
    }
    answer = http.post(site.grdf["token_url"], data=form, timeout=TIMEOUT)
    answer.raise_for_status()
    return str(answer.json()["access_token"])


def plain_days(http: requests.Session, site: Site, token: str, run: str) -> dict[date, int]:
    """Return a run's kWh by gas day, without days that have no figure."""
    first, end = site.window(run)
    answer = http.get(
        f"{site.grdf['adict_base']}/pce/{site.pce}/donnees_consos_informatives",
        params={"date_debut": f"{first}", "date_fin": f"{end}"},
        headers={"Authorization": f"Bearer {token}", "Accept": "application/x-ndjson"},
        timeout=TIMEOUT,
    )
    answer.raise_for_status()
    found = {}
    for line in answer.content.splitlines():
        use = json.loads(line)["consommation"]
        if use["energie"] is not None:
            found[date.fromisoformat(use["journee_gaziere"])] = use["energie"]
    return found
