"""The ways of getting a household's gas days from GRDF to CouchDB that are compared."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from datetime import date
from typing import Any

import requests
from airflow.sdk.bases.operator import ExecutorSafeguard

from grdf.hooks.adict import AdictHook
from grdf.hooks.couchdb import CouchDBHook
from grdf.meters.asking import parse
from grdf.operators.acquire_token import AcquireTokenOperator
from grdf.operators.base import AccountOperator
from grdf.operators.extract import ExtractOperator
from grdf.operators.load import LoadOperator
from grdf.operators.rescope_token import RescopeTokenOperator
from grdf.stores.lease import DOCTYPE as LEASE
from grdf.stores.lease import lease
from include.gas.answers.consumption.daily import Reading
from include.gas.days.windows import Window
from include.gas.documents.doctypes import ACCOUNT as ACCOUNTS
from include.gas.documents.doctypes import DAY, MONTH, YEAR
from include.gas.documents.gas_days import day_document
from include.gas.documents.storing import load_answer
from include.gas.documents.totals import month_documents, year_documents
from tests.bench.peers_scene import ACCOUNT, FIRST, Site
from tests.couch_places import RAW, TIMEOUT, Stored
from tests.helpers import MemoryShelf, context
from tests.konnector import Konnector

Document = dict[str, Any]


class Way(ABC):
    """One way, with separate databases.

    :param site: the site on which it works
    """

    name = ""
    blind_to_corrections = False
    loses_totals_when_cut = False

    def __init__(self, site: Site) -> None:
        self.site = site

    def begin(self) -> None:
        """Create the databases."""
        self.site.place.create(DAY, MONTH, YEAR, ACCOUNTS)

    @abstractmethod
    def run(self, run: str) -> None:
        """Do the first import or the daily run, from GRDF to CouchDB."""

    def stored(self) -> Stored:
        """Return what it has stored, read with plain HTTP."""
        return self.site.place.stored()

    def requests_sent(self) -> int | None:
        """Return how many requests it claims to have sent to CouchDB, ``None`` if it does not count them."""
        return None

    def close(self) -> None:  # noqa: B027 - most have nothing open between runs
        """Close all connections."""


class Floor(Way):
    """The minimum for any way: one call for the days, and one raw ``_bulk_docs`` with new data.

    It remembers its token and what was stored before, with the revisions, and uses one database for all three doctypes.
    """

    name = "the floor: one raw _bulk_docs"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._http = site.place.session()
        self._held: dict[str, Document] = {}
        self._token = ""
        self._sent = 0

    def begin(self) -> None:
        self.site.place.create(RAW, ACCOUNTS)

    def run(self, run: str) -> None:
        with requests.Session() as http:
            self._token = self._token or data_token(http, self.site)
            told = plain_lines(plain_answer(http, self.site, self._token, *self.site.window(run)))
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
        self._sent += 1
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

    def requests_sent(self) -> int:
        return self._sent

    def close(self) -> None:
        self._http.close()


class Ours(Way):
    """The project's four tasks one after the other, each with its own clients, as in Airflow's workers.

    The daily run finds the token that another account's run has fetched, as all do but one in four hours.
    """

    name = "ours: the DAG's four tasks"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._shelf = MemoryShelf()
        self._sent = 0

    def begin(self) -> None:
        self.site.connect()
        hook = CouchDBHook()
        for doctype in (DAY, MONTH, YEAR, ACCOUNTS, LEASE):
            hook.create_database(doctype)
        hook.get_conn().disconnect()

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
        task.__dict__["adict"] = AdictHook(shelf=shelf, one_at_a_time=lambda: lease(task.couchdb, "data-token"))
        try:
            return task.execute(at)
        finally:
            self._sent += task.couchdb.requests_sent
            task.couchdb.get_conn().disconnect()

    def requests_sent(self) -> int:
        return self._sent


class OurCore(Way):
    """The core of the project's tasks: one call and one load, without the account, staging or checks around them."""

    name = "ours: the call and the load alone"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._shelf = MemoryShelf()
        self._sent = 0

    def run(self, run: str) -> None:
        self.site.connect()
        couchdb, window = CouchDBHook(), Window(*self.site.window(run))
        answer = AdictHook(shelf=self._shelf).daily_lines(self.site.pce, window, account=ACCOUNT)
        readings = parse(ACCOUNT, answer).lines.rows
        load_answer(couchdb, ACCOUNT, self.site.pce, readings, answer.read_at, window=window)
        self._sent += couchdb.requests_sent
        couchdb.get_conn().disconnect()

    def requests_sent(self) -> int:
        return self._sent


class TheKonnector(Way):
    """The konnector's run, with its tokens and restarts, its window of three years each time, and its way of storing.

    cozy-stack stores the account and refreshes its token. Here, this is a read and a write of the account.
    """

    name = "the konnector's algorithm"
    blind_to_corrections = True
    loses_totals_when_cut = True

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._konnector = Konnector(site.place)
        self._account = site.place.database(ACCOUNTS) + f"/{ACCOUNT}"
        self._sent = 0

    def run(self, run: str) -> None:
        with requests.Session() as http, self.site.place.session() as couch:
            self._couch, self._http = couch, http
            account = self._read()
            if run == FIRST:
                # It finds no meter yet, takes it from the id_token without checking that, and restarts itself.
                account["oauth_callback_results"]["pce_id"] = self.site.pce
                self._write(account)
                account = self._read()
                refused = self._ask(account["oauth"]["access_token"])
                if refused.ok and plain_lines(refused.text):
                    raise RuntimeError("GRDF gave data for the reduced token of Client Connect")
            self._refresh()
            account = self._read()
            answer = self._ask(account["oauth"]["access_token"])
            answer.raise_for_status()
            readings = [Reading(day=day, load=load) for day, load in plain_lines(answer.text).items()]
            self._konnector.load(readings)

    def _ask(self, token: str) -> requests.Response:
        return ask_days(self._http, self.site, token, *self.site.window(FIRST))  # three years, each time

    def _refresh(self) -> None:
        account = self._read()
        account["oauth"]["access_token"] = data_token(self._http, self.site)
        self._write(account)

    def _read(self) -> Document:
        self._sent += 1
        answer = self._couch.get(self._account, timeout=TIMEOUT)
        answer.raise_for_status()
        document: Document = answer.json()
        return document

    def _write(self, account: Document) -> None:
        self._sent += 1
        self._couch.put(self._account, json=account, timeout=TIMEOUT).raise_for_status()

    def requests_sent(self) -> int:
        return self._sent + self._konnector.requests_sent

    def close(self) -> None:
        self._konnector.close()


def data_token(http: requests.Session, site: Site) -> str:
    """Request a data token, as any client does."""
    form = {
        "grant_type": "client_credentials",
        "client_id": site.grdf.client_id,
        "client_secret": site.grdf.client_secret,
        "scope": "/adict/v2",
    }
    answer = http.post(site.grdf.token_url, data=form, timeout=TIMEOUT)
    answer.raise_for_status()
    return str(answer.json()["access_token"])


def ask_days(http: requests.Session, site: Site, token: str, first: date, end: date) -> requests.Response:
    """Request the meter's gas days, and return the response whatever it is."""
    return http.get(
        f"{site.grdf.base}/pce/{site.pce}/donnees_consos_informatives",
        params={"date_debut": f"{first}", "date_fin": f"{end}"},
        headers={"Authorization": f"Bearer {token}", "Accept": "application/x-ndjson"},
        timeout=TIMEOUT,
    )


def plain_answer(http: requests.Session, site: Site, token: str, first: date, end: date) -> str:
    """Request the meter's gas days, and return the body."""
    answer = ask_days(http, site, token, first, end)
    answer.raise_for_status()
    return answer.content.decode()


def plain_lines(body: str) -> dict[date, int]:
    """Parse an answer without errors: kWh by gas day, without days that have no figure."""
    found = {}
    for line in body.splitlines():
        use = (json.loads(line) if line.strip() else {}).get("consommation") or {}
        if use.get("energie") is not None:
            found[date.fromisoformat(use["journee_gaziere"])] = use["energie"]
    return found
