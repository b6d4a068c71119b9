"""The same household and range, from GRDF to CouchDB in four ways: the first import, then a daily run.

After each run, the store is read with plain HTTP and compared with GRDF. Errors that a way makes by design are expected
exactly and shown in the table. Any other error makes the benchmark fail.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path

from tests.bench.counting_proxy import CountingProxy
from tests.bench.peers_cut import cut_off
from tests.bench.peers_lowatt import Lowatt
from tests.bench.peers_scene import DAILY, FIRST, Scene, scene
from tests.bench.peers_ways import Floor, OurCore, Ours, TheKonnector, Way
from tests.bench.report import Report, Row, Target
from tests.bench.store_world import cpu_ms
from tests.bench.timing import Figures, Samples, side_by_side, watch
from tests.couch_places import VARIABLE

WAYS: tuple[type[Way], ...] = (Floor, OurCore, Ours, TheKonnector, Lowatt)
REPEAT = 5
CPU = "CPU of the "


def run(report: Report, home: Path, *, days: int | None = None, repeat: int | None = None) -> None:
    """Run the benchmark.

    :param report: the report to fill in
    :param home: an empty folder
    :param days: length of the first import; ``None`` for everything that GRDF serves, three years
    :param repeat: number of measurements of each figure
    """
    repeat = repeat or REPEAT
    with scene(home, days) as at:
        report.facts = {
            "gas days": len(at.set(FIRST)),
            "from": f"{at.first}",
            "new on the daily run": 1,
            "corrected": len(at.corrected),
            "repeats": repeat,
            "figures": "medians",
            "CouchDB": at.couch.greeting,
        }
        counted = {way.name: _count(report, at, way) for way in WAYS}  # warms servers and clients as well
        turns: dict[str, Callable[[], Figures]] = {way.name: partial(_time, report, at, way) for way in WAYS}
        found = side_by_side(turns, repeat)
        left = {way.name: cut_off(report, at, way) for way in WAYS if way not in (Floor, OurCore)}
    for name in (FIRST, DAILY):
        report.tables[name.capitalize()] = [_row(way, name, found, counted) for way in WAYS]
    report.tables["A daily run cut off once days are stored, then run again"] = [
        {"way": name, "days wrong": off["days wrong"], "totals not the sum of stored days": off["totals"]}
        for name, off in left.items()
    ]
    report.targets += [
        Target(
            "our call and load alone, first import, of the floor", found.ratio(OurCore.name, Floor.name, FIRST), 2.0
        ),
        Target("our four tasks, first import, of the konnector", found.ratio(Ours.name, TheKonnector.name, FIRST), 1.0),
        Target("our four tasks, daily run, of the konnector", found.ratio(Ours.name, TheKonnector.name, DAILY), 1.0),
        Target("our four tasks, daily run, of lowatt-grdf + cloudant", found.ratio(Ours.name, Lowatt.name, DAILY), 1.0),
    ]
    report.remarks += [
        "calls: requests to GRDF, those for tokens counted; at its one call a second each costs a second, which the "
        "times leave out. Ours asks once how far the consent reaches, and its token serves all accounts for 4 hours.",
        "ms: from the run's start to the last document, GRDF's stand-in included; without the start of a process, "
        "neither Airflow's (four a run) nor Cozy's (three on the first run) nor cron's (one).",
        "CPU: of the run, of CouchDB and of GRDF's stand-in together; other programs disturb it less than a clock.",
        "The konnector asks for three years each time and skips days that it has: a day that GRDF corrects stays as it "
        "was. It adds new days to old totals: when it is cut off between the two, they stay out for good.",
        "After every run the store was read and held against GRDF's days and the sums of the stored days.",
    ]


def _row(way: type[Way], name: str, found: Samples, counted: dict[str, dict[str, Row]]) -> Row:
    seen = dict(counted[way.name][name])
    wrong = {key: seen.pop(key) for key in ("days wrong", "totals not GRDF's")}
    times = {"ms": found.middle(way.name)[name], "of floor": found.ratio(way.name, Floor.name, name)}
    if CPU + name in found.middle(way.name):
        times |= {"CPU ms": found.middle(way.name)[CPU + name]}
        times |= {"CPU of floor": found.ratio(way.name, Floor.name, CPU + name)}
    return {"way": way.name, **seen, **times, **wrong}


def _count(report: Report, at: Scene, kind: type[Way]) -> dict[str, Row]:
    """Do both runs through proxies. Return what they saw, and what is wrong in the store by design."""
    rows: dict[str, Row] = {}
    with (
        CountingProxy(at.couch.url) as couch,
        CountingProxy(at.grdf.origin) as grdf,
        at.couch.fresh(through=couch.url) as place,
    ):
        way = kind(at.site(place, at.grdf.through(grdf.url)))
        way.begin()
        at.save_account(place)
        for name in (FIRST, DAILY):
            truth = at.set(name)
            said, calls, requests = way.requests_sent(), len(grdf.seen), len(couch.seen)
            from_grdf, moved = sum(grdf.bytes), sum(couch.bytes)
            way.run(name)
            rows[name] = {
                "calls": len(grdf.seen) - calls,
                "GRDF KB": (sum(grdf.bytes) - from_grdf) / 1000,
                "requests": len(couch.seen) - requests,
                "CouchDB KB": (sum(couch.bytes) - moved) / 1000,
            }
            told = way.requests_sent()
            if said is not None and told is not None and told - said != rows[name]["requests"]:
                report.wrong.append(
                    f"{way.name}, {name}: says it sent {told - said} requests, the proxy saw {rows[name]['requests']}"
                )
            off = verify(report, way, name, truth)
            rows[name] |= {key: off[key] for key in ("days wrong", "totals not GRDF's")}
        way.close()
    return rows


def _time(report: Report, at: Scene, kind: type[Way]) -> Figures:
    """Do both runs of one way in fresh databases, and return their milliseconds."""
    figures: Figures = {}
    embedded = VARIABLE not in os.environ  # otherwise CouchDB's own CPU time is not visible
    with at.couch.fresh() as place:
        way = kind(at.site(place))
        way.begin()
        at.save_account(place)
        for name in (FIRST, DAILY):
            truth = at.set(name)
            with watch() as taken:
                before = cpu_ms()
                way.run(name)
                after = cpu_ms()
            figures[name] = taken.wall
            if embedded and before is not None and after is not None:
                figures[CPU + name] = after - before
            verify(report, way, name, truth)
        way.close()
    return figures


def verify(report: Report, way: Way, name: str, truth: dict[date, int]) -> dict[str, int]:
    """Compare the store with GRDF, and record unexpected differences as wrong.

    :param report: the report, to which errors are added
    :param way: the way that has just run
    :param name: which of the two runs it was
    :param truth: kWh by gas day, as GRDF currently reports it
    """
    off = way.stored().differences(truth)
    foreseen = dict.fromkeys(off, 0)
    if way.blind_to_corrections and name == DAILY:
        periods = {f"{day:%Y-%m}" for day in way.site.corrected} | {f"{day:%Y}" for day in way.site.corrected}
        foreseen |= {"days wrong": len(way.site.corrected), "totals not GRDF's": len(periods)}
    if off != foreseen:
        words = ", ".join(f"{number} {what} ({foreseen[what]} foreseen)" for what, number in off.items())
        report.wrong.append(f"{way.name}, after the {name}: {words}")
    return off
