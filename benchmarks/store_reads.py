"""A web page's reads: all accounts with a summary, and three years of one account."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import requests

from benchmarks.couch_places import TIMEOUT, Place
from benchmarks.report import Report, Row
from benchmarks.store_fleet import Member, other
from benchmarks.store_world import World
from benchmarks.timing import watch
from grdf.hooks.couchdb import HIGHEST
from include.gas.documents.day_documents import account_range
from include.gas.documents.doctypes import ACCOUNT, DAY, MONTH, YEAR

TITLE = "What a page reads"
PAGE, CHANGED = 100, 10
LONG = 200_000
"""Documents above which a ``_find`` without an index is skipped."""


FIRST = "a"
"""After design documents, before accounts."""


@dataclass(frozen=True)
class Question:
    """One way to read something, with the expected number of rows."""

    what: str
    how: str
    ask: Callable[[], requests.Response]
    expected: int


def reads(report: Report, world: World) -> dict[str, list[Row]]:
    """Measure each way of reading, among all other accounts."""
    filled = world.state.filled
    if not filled:
        return {}
    rows: list[Row] = []
    with world.busy.session() as http:
        for question in _questions(world, _Asking(world.busy, http)):
            times, size = [], 0
            for _ in range(world.state.members - 1):
                with watch() as taken:
                    answer = question.ask()
                    found = _found(answer)
                times.append(taken.wall)
                size = len(answer.content)
                if found != question.expected:
                    report.wrong.append(
                        f"{question.what} by {question.how}: {found} came, {question.expected} are stored"
                    )
                    break
            rows.append(
                {
                    "the page wants": question.what,
                    "asked by": question.how,
                    "found": question.expected,
                    "ms": median(times),
                    "KB": size / 1000,
                }
            )
    return {f"{TITLE} ({filled} other accounts, {filled * world.state.history} days)": rows}


class _Asking:
    def __init__(self, place: Place, http: requests.Session) -> None:
        self._place, self._http = place, http

    def get(self, doctype: str, path: str, **query: Any) -> Callable[[], requests.Response]:
        url = self._place.database(doctype) + path
        texts = {name: value if name == "since" else json.dumps(value) for name, value in query.items()}
        return lambda: self._http.get(url, params=texts, timeout=TIMEOUT)

    def find(self, doctype: str, **body: Any) -> Callable[[], requests.Response]:
        url = self._place.database(doctype) + "/_find"
        return lambda: self._http.post(url, json=body, timeout=TIMEOUT)

    def now(self, doctype: str) -> str:
        answer = self._http.get(
            self._place.database(doctype) + "/_changes", params={"since": "now", "limit": 1}, timeout=TIMEOUT
        )
        answer.raise_for_status()
        return str(answer.json()["last_seq"])

    def touch(self, doctype: str, number: int) -> None:
        """Update some documents with an extra field."""
        answer = self.get(doctype, "/_all_docs", include_docs=True, limit=number, startkey=FIRST)()
        answer.raise_for_status()
        docs = [row["doc"] | {"touched": row["doc"]["_rev"]} for row in answer.json()["rows"]]
        done = self._http.post(self._place.database(doctype) + "/_bulk_docs", json={"docs": docs}, timeout=TIMEOUT)
        done.raise_for_status()


def _found(answer: requests.Response) -> int:
    answer.raise_for_status()
    said = answer.json()
    for name in ("rows", "docs", "results"):
        if name in said:
            return sum(not str(each.get("id", "")).startswith("_design/") for each in said[name])
    return 1


def _questions(world: World, ask: _Asking) -> list[Question]:
    measured = sum(map(len, world.members.values()))
    accounts = world.state.filled + measured
    years = world.state.filled * len(other(0, world.state.history).documents()[YEAR]) + sum(
        len({day.year for day in member.loads(0)}) for group in world.members.values() for member in group
    )
    page, changed = min(PAGE, accounts), min(CHANGED, accounts)
    before = ask.now(ACCOUNT)
    ask.touch(ACCOUNT, changed)
    asked = [
        Question("all accounts", "_all_docs?include_docs", ask.get(ACCOUNT, "/_all_docs", include_docs=True), accounts),
        Question(
            f"a page of {page} accounts",
            "_all_docs?include_docs&limit",
            ask.get(ACCOUNT, "/_all_docs", include_docs=True, limit=page, startkey=FIRST),
            page,
        ),
        Question(
            "all accounts",
            "_find, three fields",
            ask.find(
                ACCOUNT,
                selector={"_id": {"$gt": None}},
                fields=["_id", "state", "oauth_callback_results.pce_id"],
                limit=accounts,
            ),
            accounts,
        ),
        Question(
            "all accounts' years", "_all_docs?include_docs", ask.get(YEAR, "/_all_docs", include_docs=True), years
        ),
        Question(
            "accounts changed since: none",
            "_changes?since&include_docs",
            ask.get(ACCOUNT, "/_changes", since=ask.now(ACCOUNT), include_docs=True),
            0,
        ),
        Question(
            f"accounts changed since: {changed}",
            "_changes?since&include_docs",
            ask.get(ACCOUNT, "/_changes", since=before, include_docs=True),
            changed,
        ),
        Question(
            "days changed since: none",
            "_changes?since",
            ask.get(DAY, "/_changes", since=ask.now(DAY)),
            0,
        ),
    ]
    member = world.members["3 years"][0]
    for doctype, what in ((DAY, "days"), (MONTH, "months"), (YEAR, "years")):
        start, end = account_range(member.account)
        number = _stored(member, doctype, world.state.step)
        asked.append(
            Question(
                f"one account's {what}",
                "_all_docs range, include_docs",
                ask.get(doctype, "/_all_docs", startkey=start, endkey=end, include_docs=True),
                number,
            )
        )
        asked.append(
            Question(
                f"one account's {what}",
                "_find by a range of ids",
                ask.find(doctype, selector={"_id": {"$gte": start, "$lt": start + HIGHEST}}, limit=number + 1),
                number,
            )
        )
        if world.state.filled * len(other(0, world.state.history).documents()[doctype]) < LONG:
            asked.append(
                Question(
                    f"one account's {what}",
                    "_find by `account`, no index",
                    ask.find(doctype, selector={"account": member.account}, limit=number + 1),
                    number,
                )
            )
    return asked


def _stored(member: Member, doctype: str, step: int) -> int:
    days = member.loads(step)
    if doctype == DAY:
        return len(days)
    return len({(day.year, day.month) if doctype == MONTH else day.year for day in days})
