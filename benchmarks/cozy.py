"""What Cozy's own client waits for when it asks for many accounts' data, sorted and page by page.

``cozy-stack-client`` builds queries, indexes and bookmarks. Answers are compared with the store, and times with a page
by ids, which needs no index.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from itertools import chain, islice, repeat
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.couch_places import TIMEOUT
from benchmarks.report import Report, Row
from benchmarks.store_fleet import LAST_DAY, Member, other
from benchmarks.store_world import World, facts_of, opened
from benchmarks.timing import watch
from include.gas.documents.doctypes import DAY, MONTH, YEAR, database, index_name
from tests.cozy.client import Client

ACCOUNTS, YEARS, MINUTES, REPEAT = 15, 1.0, 60.0, 5
"""Few accounts by default: the embedded server reads a whole index for each page, for seconds with 200 accounts."""
PAGES, PAGE = 5, 100
BUILDING = 7200
"""Seconds to build an index."""

Key = tuple[int, ...]


@dataclass(frozen=True)
class Question:
    """A query of the client, with the fields to compare and their expected values in order."""

    what: str
    ask: Callable[[], dict[str, Any]]
    fields: Sequence[str]
    expected: list[Key] = field(repr=False)


def run(
    report: Report,
    home: Path,
    *,
    accounts: int | None = None,
    years: float | None = None,
    minutes: float | None = None,
    repeat: int | None = None,
    keep: Path | None = None,
) -> None:
    days = round((years or YEARS) * 365)
    with opened(home, keep, days, repeat or REPEAT) as world:
        report.facts = facts_of(world)
        world.fill(accounts or ACCOUNTS, time.monotonic() + 60 * (minutes or MINUTES))
        report.facts |= {"other accounts": world.state.filled, "their days": world.state.filled * days}
        for doctype, number in world.missing().items():
            report.wrong.append(f"{number} documents of {doctype} are missing")
        report.tables["The first query of each index, which CouchDB builds then"] = list(_built(world))
        report.tables["What Cozy's client asks for"] = [
            _measured(report, world, question) for question in _questions(world)
        ]
        report.remarks.append(
            f"A page has {PAGE} documents at most. All but the first are asked for by the bookmark of the one before. "
            f"`of ids`: as a multiple of a page of {PAGE} days by `_all_docs`, asked for at the same time."
        )


def _built(world: World) -> Iterator[Row]:
    """Have CouchDB build the indexes, and yield the seconds of each."""
    asked = [(doctype, fields) for doctype in (DAY, MONTH, YEAR) for fields in database(doctype).indexes]
    with world.busy.session() as http:
        for doctype, fields in asked:
            address, name = world.busy.database(doctype), index_name(fields)
            order = {"index": {"fields": list(fields)}, "ddoc": name, "name": name, "type": "json"}
            http.post(f"{address}/_index", json=order, timeout=TIMEOUT).raise_for_status()
            # all its fields: otherwise CouchDB answers from elsewhere
            query = {"selector": {key: {"$gt": None} for key in fields}, "use_index": f"_design/{name}", "limit": 1}
            with watch() as taken:
                while (answer := http.post(f"{address}/_find", json=query, timeout=BUILDING)).status_code == 500:
                    pass  # CouchDB ends a query after a minute, and builds on
                answer.raise_for_status()
            yield {"index": name, "of": doctype, "s": taken.wall / 1000}


def _measured(report: Report, world: World, question: Question) -> Row:
    first, later, of_ids, found = [], [], [], 0
    for _ in range(world.state.members - 1):
        by_ids = _page_by_ids(world)
        answer = question.ask()
        documents = [each for page in answer["pages"] for each in page]
        given, found = [tuple(each[name] for name in question.fields) for each in documents], len(documents)
        if given != question.expected or len({each["_id"] for each in documents}) != found:
            report.wrong.append(
                f"{question.what}: {found} documents came, {len(question.expected)} were expected, or others, or in "
                "another order"
            )
        ms = [each for (_, path), each in zip(answer["sent"], answer["ms"], strict=True) if path != "_index"]
        first.append(ms[0])
        later += ms[1:]
        of_ids.append(median(ms) / by_ids)
    return {
        "asked for": question.what,
        "documents": found,
        "ms of the first page": median(first),
        "ms of each next": median(later) if later else None,
        "of ids": median(of_ids),
    }


def _page_by_ids(world: World) -> float:
    query = {"include_docs": "true", "limit": PAGE, "startkey": json.dumps(other(0, 1).account)}
    with world.busy.session() as http:
        http.get(world.busy.database(DAY), timeout=TIMEOUT).raise_for_status()
        with watch() as taken:
            http.get(world.busy.database(DAY) + "/_all_docs", params=query, timeout=TIMEOUT).raise_for_status()
    return taken.wall


def _questions(world: World) -> Iterator[Question]:
    server = world.server
    client = Client(server.url, *server.auth, world.busy.prefix)
    ask = partial(client.ask, pages=PAGES, seconds=BUILDING, limit=PAGE)
    newest_first = [{"year": "desc"}, {"month": "desc"}, {"day": "desc"}]
    oldest_first = [dict.fromkeys(each, "asc") for each in newest_first]
    held = _stored(world)
    days: Counter[Key] = Counter({(day.year, day.month, day.day): number for day, number in held.items()})
    yield Question(
        "days, newest first",
        lambda: ask(DAY, {"year": {"$gt": None}}, sort=newest_first),
        ("year", "month", "day"),
        _first(days, newest=True),
    )
    month = {"year": LAST_DAY.year, "month": 1}
    yield Question(
        "the days of a month",
        lambda: ask(DAY, {**month, "day": {"$gt": 0}}, sort=oldest_first),
        ("year", "month", "day"),
        _first(Counter({key: number for key, number in days.items() if key[:2] == (LAST_DAY.year, 1)})),
    )
    yield from (
        Question(
            f"{what}, newest first",
            partial(ask, doctype, {"year": {"$gt": None}}, sort=newest_first[: len(fields)]),
            fields,
            _first(_totals(world, len(fields)), newest=True),
        )
        for doctype, what, fields in ((MONTH, "months", ("year", "month")), (YEAR, "years", ("year",)))
    )
    member = world.members["3 years"][0]
    own = sorted(member.loads(world.state.step), reverse=True)[: PAGES * PAGE]
    yield Question(
        "one account's days, newest first",
        lambda: ask(
            DAY,
            {"account": member.account, "year": {"$gt": None}},
            sort=[{"account": "desc"}, *newest_first],
            indexedFields=["account", "year", "month", "day"],
        ),
        ("year", "month", "day"),
        [(day.year, day.month, day.day) for day in own],
    )


def _members(world: World) -> Iterator[tuple[Member, int]]:
    yield from ((other(number, world.state.history), 0) for number in range(world.state.filled))
    yield from ((member, world.state.step) for group in world.members.values() for member in group)


def _stored(world: World) -> Counter[date]:
    """Return how many households have each day, where they differ."""
    own = (member.loads(world.state.step) for group in world.members.values() for member in group)
    held = Counter(chain.from_iterable(own))
    for day in other(0, world.state.history).loads(0):
        held[day] += world.state.filled
    return +held


def _totals(world: World, length: int) -> Counter[Key]:
    """Return how many households have a total of each month (``length`` 2) or year (1)."""
    held: Counter[Key] = Counter()
    for days, number in (
        *((member.loads(world.state.step), 1) for group in world.members.values() for member in group),
        (other(0, world.state.history).loads(0), world.state.filled),
    ):
        for key in {(day.year, day.month)[:length] for day in days}:
            held[key] += number
    return +held


def _first(held: Counter[Key], *, newest: bool = False) -> list[Key]:
    every = chain.from_iterable(repeat(key, held[key]) for key in sorted(held, reverse=newest))
    return list(islice(every, PAGES * PAGE))
