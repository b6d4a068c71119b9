"""The cost of the page with thousands of accounts: fleet, list, one account.

A real API server answers over HTTP, a proxy counts its requests to CouchDB, answers are compared with the store. One
raw request reads all account documents for comparison.
"""

from __future__ import annotations

import html
import re
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import requests

from benchmarks.couch_places import Place, server
from benchmarks.counting_proxy import CountingProxy
from benchmarks.report import Report, Row, Target
from benchmarks.timing import side_by_side
from include.gas.days.gas_day import paris_today
from include.gas.display.account_summary import summarize_account
from include.gas.documents.doctypes import ACCOUNT, DAY, METER
from include.sandbox.airflow_stack import AirflowStack
from include.sandbox.processes import Processes
from tests.page_accounts import Fleet, account_id, meter_of

ACCOUNTS, FULL, REPEAT = 5000, 20, 15
FLEET_LIMIT, LIST_LIMIT, VIEW_LIMIT, REQUESTS_LIMIT = 100, 300, 150, 2
BATCH = 2000
FLEET, LIST, VIEW, RAW = "the fleet", "the list, first page", "an account's view", "raw: all account documents"


def run(report: Report, home: Path, *, accounts: int | None, repeat: int | None) -> None:
    number = accounts or ACCOUNTS
    today = paris_today(datetime.now(UTC))
    fleet = Fleet(today)
    with server(home / "couch") as couch, CountingProxy(couch.url) as proxy, couch.fresh() as place, Processes() as own:
        documents = _fill(place, fleet, number)
        through = Place(proxy.url, place.auth, place.prefix)
        stack = AirflowStack(home / "airflow", 0, {"AIRFLOW_CONN_COUCHDB": through.airflow_connection()})
        stack.start(own, components=("api-server",))
        try:
            site = _Site(stack, proxy)
            report.facts = {
                "accounts": number, "years of each": 3, "all days stored of": min(FULL, number),
                "repeats": repeat or REPEAT, "figures": "medians", "CouchDB": couch.greeting,
            }  # fmt: skip
            _measure(report, site, place, fleet, documents, today, repeat or REPEAT)
        finally:
            with place.session() as http:
                http.delete(place.database("com.grandlyon.grdf.published"), timeout=60)


class _Site:
    def __init__(self, stack: AirflowStack, proxy: CountingProxy) -> None:
        self.proxy = proxy
        self.url = f"{stack.url}/grdf"
        form = {"username": "admin", "password": stack.password}
        token = requests.post(f"{stack.url}/auth/token", json=form, timeout=60).json()["access_token"]
        self.http = requests.Session()
        self.http.headers.update({"Authorization": f"Bearer {token}", "Accept": "text/html", "Accept-Language": "en"})

    def get(self, path: str) -> tuple[str, Row]:
        """Request a page, and return it with its cost."""
        seen = len(self.proxy.seen)
        began = time.perf_counter()
        answer = self.http.get(self.url + path, timeout=120)
        took = (time.perf_counter() - began) * 1000
        answer.raise_for_status()
        sizes = self.proxy.bytes[seen:]
        return answer.text, {"ms": took, "requests": len(sizes), "KB from CouchDB": sum(sizes) / 1000}


def _fill(place: Place, fleet: Fleet, number: int) -> list[dict[str, Any]]:
    documents = [fleet.account(each) for each in range(number)]
    stored: dict[str, list[dict[str, Any]]] = {ACCOUNT: documents, METER: list(map(meter_of, documents))}
    for each in range(min(FULL, number)):
        for doctype, more in fleet.stored(each).items():
            stored.setdefault(doctype, []).extend(more)
    with place.session() as http:
        for doctype, docs in stored.items():
            http.put(place.database(doctype), timeout=60).raise_for_status()
            for at in range(0, len(docs), BATCH):
                body = {"docs": docs[at : at + BATCH]}
                http.post(place.database(doctype) + "/_bulk_docs", json=body, timeout=120).raise_for_status()
    return documents


def _measure(
    report: Report,
    site: _Site,
    place: Place,
    fleet: Fleet,
    documents: list[dict[str, Any]],
    today: date,
    repeat: int,
) -> None:
    overviews = [summarize_account(document) for document in documents]
    counts = Counter(each.situation(today) for each in overviews)
    number, full = len(documents), min(FULL, len(documents))
    site.http.get(site.url.rpartition("/")[0] + "/api/v2/version", timeout=60)
    first, cold = site.get("/")
    _check_list(report, first, counts)
    which = iter(range(10**9))

    def asked(path: Callable[[], str], check: Callable[[str, str], None]) -> Callable[[], Row]:
        def once() -> Row:
            address = path()
            text, cost = site.get(address)
            check(address, text)
            return cost

        return once

    def raw() -> Row:
        with place.session() as http:
            began = time.perf_counter()
            answer = http.get(place.database(ACCOUNT) + "/_all_docs", params={"include_docs": "true"}, timeout=120)
            rows = answer.json()["rows"]
        if len(rows) != number:
            report.wrong.append(f"{len(rows)} account documents instead of {number}")
        return {
            "ms": (time.perf_counter() - began) * 1000,
            "requests": 1,
            "KB from CouchDB": len(answer.content) / 1000,
        }

    def changed(path: str) -> str:
        """Change one account, so that the mirror must be updated."""
        with place.session() as http:
            address = f"{place.database(ACCOUNT)}/{account_id(0)}"
            document = http.get(address, timeout=60).json()
            http.put(address, json=document | {"name": str(next(which))}, timeout=60).raise_for_status()
        return path

    def every_fleet(_address: str, text: str) -> None:
        _check_fleet(report, text, counts)

    def every_list(_address: str, text: str) -> None:
        _check_list(report, text, counts)

    def view(address: str, text: str) -> None:
        _check_view(report, fleet, address, text)

    def found(_address: str, text: str) -> None:
        if "1 to 1 of 1 accounts" not in text:
            report.wrong.append("the search did not find the one account")

    def last(_address: str, text: str) -> None:
        if account_id(0) not in text:
            report.wrong.append("the last page of the list sorted backwards does not hold the first account")

    pages = -(-number // 50)
    variants: dict[str, Callable[[], Row]] = {
        FLEET: asked(lambda: "/fleet", every_fleet),
        "the fleet, after an account has changed": asked(lambda: changed("/fleet"), every_fleet),
        LIST: asked(lambda: "/", every_list),
        "the list, sorted by another column, last page": asked(
            lambda: f"/?sort=account&order=backwards&page={pages}", last
        ),
        "the list, searched": asked(lambda: f"/?search={account_id(number - 1)}", found),
        "the list, after an account has changed": asked(lambda: changed("/"), every_list),
        VIEW: asked(lambda: f"/accounts/{account_id(next(which) % full)}?month={today.year - 1}-03", view),
        RAW: raw,
    }
    taken = side_by_side(variants, repeat)
    report.tables["What the page costs, from the browser's request to the whole answer"] = [
        {"way": "the list, first look of this API server", **cold, "of raw": cold["ms"] / taken.middle(RAW)["ms"]},
        *({"way": name, **taken.middle(name), "of raw": taken.ratio(name, RAW, "ms")} for name in variants),
    ]
    report.remarks.append(
        "Every answer was held against what is stored: counts by state, the accounts found, the days of the month."
    )
    if number != ACCOUNTS:
        report.remarks.append(f"The targets are meant for {ACCOUNTS} accounts: judge them with those.")
    report.targets += [
        Target(f"ms for the fleet of {number} accounts", taken.middle(FLEET)["ms"], FLEET_LIMIT),
        Target("requests to CouchDB for it", taken.middle(FLEET)["requests"], REQUESTS_LIMIT + 1),
        Target(f"ms for the list of {number} accounts", taken.middle(LIST)["ms"], LIST_LIMIT),
        Target("requests to CouchDB for it", taken.middle(LIST)["requests"], REQUESTS_LIMIT),
        Target("ms for an account's view", taken.middle(VIEW)["ms"], VIEW_LIMIT),
    ]


def _check_list(report: Report, text: str, counts: Counter[Any]) -> None:
    shown = re.findall(r'<a class="(\w+)" href="[^"]*state=\w+"[^>]*>[^<]*<b>([\d,]+)</b>', text)
    told = {state: int(count.replace(",", "")) for state, count in shown}
    if told != {str(state): count for state, count in counts.items()}:
        report.wrong.append(f"the list counts {told} instead of {dict(counts)}")


def _check_fleet(report: Report, text: str, counts: Counter[Any]) -> None:
    shown = re.findall(r'<b class="count">([\d,]+)</b> <span class="group">(\w+)</span>', text)
    told = {group: _whole(count) for count, group in shown if count != "0"}
    groups = Counter[str]()
    for situation, number in counts.items():
        groups[str(situation.group)] += number
    if told != dict(groups):
        report.wrong.append(f"the fleet counts {told} instead of {dict(groups)}")


def _whole(text: str) -> int:
    return int(text.replace(",", ""))


def _check_view(report: Report, fleet: Fleet, address: str, text: str) -> None:
    number, month = int(address.partition("-")[2][:5]), address[-7:]
    expected = {
        int(each["_id"][-2:]): each["load"] for each in fleet.stored(number)[DAY] if each["_id"][-10:-3] == month
    }
    body = re.findall(r"<tbody>(.*?)</tbody>", text, re.DOTALL)[0]
    rows = re.findall(r'<th scope="row">(\d+) [^<]*</th><td class="number">([^<]*)</td>', body)
    shown = {int(day): float(html.unescape(load).replace(",", "")) for day, load in rows if load != "–"}
    if shown != expected:
        report.wrong.append(f"the view of {address} does not show the stored days")
