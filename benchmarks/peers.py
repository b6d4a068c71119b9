"""One household's gas days in four ways: the first import of all days, then a daily run.

Each store is compared with GRDF. What the konnector gets wrong by design is expected; any other difference fails.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path

from benchmarks.counting_proxy import CountingProxy
from benchmarks.peers_ways import CallAndLoad, Floor, Konnector, Tasks, Way
from benchmarks.report import Report, Row, Target
from benchmarks.scene import DAILY, FIRST, NOTHING_NEW, RUNS, Scene, opened
from benchmarks.timing import Figures, Samples, side_by_side, watch

WAYS: tuple[type[Way], ...] = (Floor, CallAndLoad, Tasks, Konnector)


def run(report: Report, home: Path, *, days: int | None, repeat: int) -> None:
    with opened(home, days) as scene:
        report.facts = {
            "gas days": len(scene.set(FIRST)),
            "new on the daily run": 1,
            "corrected": len(scene.corrected),
            "repeats": repeat,
            "figures": "medians",
            "CouchDB": scene.couch.greeting,
        }
        counted = {way: _count(report, scene, way) for way in WAYS}  # warms servers and clients as well
        turns: dict[str, Callable[[], Figures]] = {way.name: partial(_time, report, scene, way) for way in WAYS}
        found = side_by_side(turns, repeat)
    for name in RUNS:
        report.tables[name.capitalize()] = [_row(way, name, found, counted[way]) for way in WAYS]
    alone, tasks = CallAndLoad.name, Tasks.name
    report.targets += [
        Target("requests to CouchDB of a daily run", counted[Tasks][DAILY]["requests"], 8),
        Target("requests to CouchDB of one with nothing new", counted[Tasks][NOTHING_NEW]["requests"], 6),
        Target("writes of one with nothing new", counted[Tasks][NOTHING_NEW]["writes"], 0),
        Target("the four tasks, first import, of the floor", found.ratio(tasks, Floor.name, FIRST), 1.8),
        Target("the four tasks, daily run, of the floor", found.ratio(tasks, Floor.name, DAILY), 3.5),
        Target("call and load alone, first import, of the floor", found.ratio(alone, Floor.name, FIRST), 1.4),
    ]
    report.remarks += [
        "ms: from the run's start to the last document, GRDF's stand-in included, without the start of processes.",
        "calls: requests to GRDF, those for tokens counted. Our data token serves all accounts for four hours.",
        "The konnector asks for three years each time and skips days that it has: a corrected day stays as it was.",
        "After every run the store was read and held against GRDF's days and the sums of the stored days.",
    ]


def _row(way: type[Way], name: str, found: Samples, counted: dict[str, Row]) -> Row:
    times = {"ms": found.middle(way.name)[name], "of floor": found.ratio(way.name, Floor.name, name)}
    return {"way": way.name, **counted[name], **times}


def _count(report: Report, scene: Scene, kind: type[Way]) -> dict[str, Row]:
    """Do all runs through proxies, and return what they saw."""
    rows: dict[str, Row] = {}
    with (
        CountingProxy(scene.couch.url) as couch,
        CountingProxy(scene.origin) as grdf,
        scene.couch.fresh(through=couch.url) as place,
    ):
        way = kind(scene.site(place, through=grdf.url))
        way.begin()
        scene.save_account(place)
        for name in RUNS:
            truth = scene.set(name)
            calls, requests = len(grdf.seen), len(couch.seen)
            way.run(name)
            new = couch.seen[requests:]
            writes = [each for each in new if each.startswith("PUT") or each.endswith("_bulk_docs")]
            rows[name] = {"calls": len(grdf.seen) - calls, "requests": len(new), "writes": len(writes)}
            _verify(report, way, name, truth)
        way.close()
    return rows


def _time(report: Report, scene: Scene, kind: type[Way]) -> Figures:
    figures: Figures = {}
    with scene.couch.fresh() as place:
        way = kind(scene.site(place))
        way.begin()
        scene.save_account(place)
        for name in RUNS:
            truth = scene.set(name)
            with watch() as taken:
                way.run(name)
            figures[name] = taken.wall
            _verify(report, way, name, truth)
        way.close()
    return figures


def _verify(report: Report, way: Way, name: str, truth: dict[date, int]) -> None:
    """Compare the store with GRDF, and record unexpected differences as wrong."""
    off = way.stored().differences(truth)
    foreseen = dict.fromkeys(off, 0)
    if way.blind_to_corrections and name != FIRST:
        corrected = way.site.corrected
        periods = {f"{day:%Y-%m}" for day in corrected} | {f"{day:%Y}" for day in corrected}
        foreseen |= {"days wrong": len(corrected), "totals not GRDF's": len(periods)}
    if off != foreseen:
        words = ", ".join(f"{number} {what} ({foreseen[what]} foreseen)" for what, number in off.items())
        report.wrong.append(f"{way.name}, after the {name}: {words}")
