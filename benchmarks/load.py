"""The cost of storing a meter's gas days and totals in CouchDB: the first three years, then one day."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.counting_proxy import CountingProxy
from benchmarks.household import THREE_YEARS, Household
from benchmarks.load_ways import DAILY, FIRST, KONNECTOR, OURS, RAW_WRITE, WAYS, Run, Way
from benchmarks.report import Report, Row, Target
from benchmarks.timing import Figures, Samples, side_by_side, watch
from tests.couch_places import Place, Server, server

LIMIT_REQUESTS = 10
LIMIT_RATIO = 2.0


def run(report: Report, home: Path, *, days: int | None, repeat: int) -> None:
    """Run the benchmark.

    :param days: length of the first import; ``None`` for three years
    """
    household = Household(max(days or THREE_YEARS, 2))
    with server(home / "couch") as couch:
        report.facts = {
            "days": len(household.at_first),
            "daily run reads": len(household.daily_answer.window),
            "of them new": len(household.later) - len(household.at_first),
            "corrected": len(household.corrected),
            "repeats": repeat,
            "figures": "medians",
            "CouchDB": couch.greeting,
        }
        counted = {way: _count(report, couch, household, way) for way in WAYS}  # warms server and clients as well
        variants: dict[str, Callable[[], Figures]] = {
            way: partial(_time, report, couch, household, way) for way in WAYS
        }
        found = side_by_side(variants, repeat)
    for name in (FIRST, DAILY):
        report.tables[name.capitalize()] = [_row(way, name, found, counted) for way in WAYS if name in counted[way]]
    report.remarks.append(
        "Requests are those a proxy saw; they equal what each way says it sent. After every timed run the store was "
        "read and held against GRDF's days and the sums of the stored days."
    )
    if len(household.at_first) != THREE_YEARS:
        report.remarks.append(f"The targets are meant for three years, {THREE_YEARS} days: judge them with those.")
    report.targets += [
        Target(
            f"requests of the first import of {len(household.at_first)} days",
            counted[OURS][FIRST],
            LIMIT_REQUESTS,
        ),
        Target(
            "time of the first import, as a multiple of one raw _bulk_docs of the same documents",
            found.ratio(OURS, RAW_WRITE, FIRST),
            LIMIT_RATIO,
        ),
    ]


def _row(way: str, name: str, found: Samples, counted: dict[str, Figures]) -> Row:
    row: Row = {"way": way, "requests": counted[way][name], "ms": found.middle(way)[name]}
    if name == FIRST:
        row["of raw write"] = found.ratio(way, RAW_WRITE, name)
    return row | {"of konnector": found.ratio(way, KONNECTOR, name)}


def _connected(place: Place) -> None:
    os.environ["AIRFLOW_CONN_COUCHDB"] = place.airflow_connection()


def _time(report: Report, couch: Server, household: Household, name: str) -> Figures:
    """Do both runs of one way in fresh databases, verify the store after each, and return their milliseconds."""
    figures: Figures = {}
    with couch.fresh() as place:
        _connected(place)
        way = WAYS[name](place, household)
        for each in way.runs():
            with watch() as taken:
                each.work()
            figures[each.name] = taken.wall
            _verify(report, household, name, way, each)
        way.close()
    return figures


def _count(report: Report, couch: Server, household: Household, name: str) -> Figures:
    """Do both runs through a proxy, and return the number of requests that it saw."""
    counts: Figures = {}
    with CountingProxy(couch.url) as proxy, couch.fresh(through=proxy.url) as place:
        _connected(place)
        way = WAYS[name](place, household)
        for each in way.runs():
            said, seen = way.requests_sent(), len(proxy.seen)
            each.work()
            said, seen = way.requests_sent() - said, len(proxy.seen) - seen
            counts[each.name] = seen
            if said != seen:
                report.wrong.append(f"{name}, {each.name}: says it sent {said} requests, the proxy saw {seen}")
        way.close()
    return counts


def _verify(report: Report, household: Household, name: str, way: Way, done: Run) -> None:
    """Compare the store with GRDF, and record differences, as a remark if the way is known to have them."""
    off = {what: number for what, number in way.check(done).items() if number}
    if not off:
        return
    text = f"{name}, after the {done.name}: {', '.join(f'{number} {what}' for what, number in off.items())}"
    known = way.blind_to_corrections and done.name == DAILY and off.keys() == {"days wrong", "totals not GRDF's"}
    if known and off["days wrong"] == len(household.corrected):
        text += "; it never restates a day it has"
        if text + "." not in report.remarks:
            report.remarks.append(text + ".")
    else:
        report.wrong.append(text)
