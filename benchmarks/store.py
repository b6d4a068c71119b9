"""Whether a daily run's cost depends on the history's length or other accounts.

The number of other households grows in steps. At each, the measured ones have a daily run (one new day, two corrected,
two months), compared with the same run without others, and with one raw ``_bulk_docs`` of as many documents. Each store
is compared with GRDF.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.couch_places import Place
from benchmarks.report import Report, Row, Target
from benchmarks.store_daily import counted, raw_write, timed
from benchmarks.store_fleet import Member
from benchmarks.store_reads import reads
from benchmarks.store_world import HISTORIES, World, facts_of, opened, server_memory
from benchmarks.timing import Figures, Samples, side_by_side
from include.gas.documents.doctypes import DAY, MONTH, YEAR

ACCOUNTS, YEARS, MINUTES, REPEAT = 1000, 1.0, 6.0, 5
STEPS = (10, 100, 1000, 5000)
GOAL, GOAL_DAYS = 5000, 1095
USUAL = "3 years"
"""History of the households that compare numbers of others: GRDF's depth."""
FLAT = 1.5
RAW = "one raw _bulk_docs"

BY_HISTORY = "A daily run's load by length of history"
BY_ACCOUNTS = f"A daily run by number of other accounts ({USUAL} of history)"
ON_DISK = "What is stored"


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
    """Run the benchmark; with ``keep``, a later run continues from that folder."""
    wanted, days = accounts or ACCOUNTS, round((years or YEARS) * 365)
    until = time.monotonic() + 60 * (minutes or MINUTES)
    with opened(home, keep, days, repeat or REPEAT) as world:
        report.facts = facts_of(world)
        found = None
        for step in sorted({*(each for each in STEPS if each < wanted), wanted}):
            if step < world.state.filled or (step == world.state.filled and step < wanted):
                continue  # measured by an earlier run
            world.fill(step, until)
            found = _measure(report, world)
            if world.state.filled < step:
                report.remarks.append(
                    f"Storing was stopped after {minutes or MINUTES:g} minutes, at {world.state.filled} of {wanted} "
                    "accounts: --minutes gives more."
                )
                break
        if found is None:
            found = _measure(report, world)
        _tables(report, world, *found)
        report.tables |= reads(report, world)
        _extrapolate(report, world)


def _measure(report: Report, world: World) -> tuple[Samples, dict[str, Row]]:
    """Do a daily run for all measured households, and record the step's figures."""
    step = world.next_step()
    for doctype, number in world.missing().items():
        report.wrong.append(f"{number} documents of {doctype} are missing beside {world.state.filled} other accounts")
    traffic = {}
    for name, group in world.members.items():
        seen = counted(report, world.busy, group[0], step)
        traffic[name] = {"requests": seen.requests, "KB": seen.bytes / 1000, "extract's requests": seen.reads}
        counted(report, world.alone, group[0], step)
    variants: dict[str, Callable[[], Figures]] = {}
    for name, group in world.members.items():
        for place, word in ((world.busy, ""), (world.alone, " alone")):
            variants[name + word] = _in_turn(report, place, group[1:], step)
    numbers = itertools.count()
    variants[RAW] = lambda: raw_write(world.alone, _as_many(world.members[USUAL][0], f"{step}-{next(numbers)}"))
    found = side_by_side(variants, world.state.members - 1)
    documents, size = world.size()
    usual = found.middle(USUAL)
    point: Row = {
        "other accounts": world.state.filled,
        "day documents": world.state.filled * world.state.history,
        "requests": traffic[USUAL]["requests"],
        "KB": traffic[USUAL]["KB"],
        "load ms": usual["load"],
        "of alone": found.ratio(USUAL, f"{USUAL} alone", "load"),
        **_cpu(found, USUAL),
        "of raw write": found.ratio(USUAL, RAW, "load"),
        "extract's requests": traffic[USUAL]["extract's requests"],
        "extract ms": usual["extract"],
        "extract of alone": found.ratio(USUAL, f"{USUAL} alone", "extract"),
        "documents": documents,
        "MB": size / 1e6,
        "server MB": server_memory(),
        "seconds": world.state.seconds,
    }
    world.state.points = [each for each in world.state.points if each["other accounts"] != world.state.filled]
    world.state.points.append(point)
    world.save()
    print(f"  {world.state.filled} other accounts: load {usual['load']:.0f} ms", flush=True)
    return found, traffic


def _in_turn(report: Report, place: Place, group: list[Member], step: int) -> Callable[[], Figures]:
    turns = iter(group)
    return lambda: timed(report, place, next(turns), step)


def _as_many(member: Member, name: str) -> list[Row]:
    """Return new documents, as many and of the kinds that a daily run writes."""
    stored = member.documents()
    chosen = [*stored[DAY][-4:], *stored[MONTH][-3:], *stored[YEAR][-2:]]
    return [document | {"_id": f"{name}-{number}"} for number, document in enumerate(chosen)]


def _tables(report: Report, world: World, found: Samples, traffic: dict[str, Row]) -> None:
    report.tables[BY_HISTORY] = [
        {
            "history": name,
            "gas days": days,
            "requests": traffic[name]["requests"],
            "KB": traffic[name]["KB"],
            "ms": found.middle(name)["load"],
            "of raw write": found.ratio(name, RAW, "load"),
            "of alone": found.ratio(name, f"{name} alone", "load"),
            **_cpu(found, name),
        }
        for name, days in HISTORIES.items()
    ]
    points = world.state.points
    hidden = ("documents", "MB", "server MB", "seconds")
    report.tables[BY_ACCOUNTS] = [{key: each[key] for key in each if key not in hidden} for each in points]
    report.tables[ON_DISK] = [
        {
            "other accounts": each["other accounts"],
            "documents": each["documents"],
            "MB on disk": each["MB"],
            "bytes per document": each["MB"] * 1e6 / each["documents"],
            "documents/s since the row above": _rate(before, each),
            "server's memory, MB": each["server MB"],
        }
        for before, each in zip([None, *points[:-1]], points, strict=True)
    ]
    years = [row["requests"] for row in report.tables[BY_HISTORY]] + [row["requests"] for row in points]
    old, new = (found.ratio(name, RAW, "load") for name in ("1 year", "10 years"))
    report.targets = [
        Target(
            "requests of a daily run's load: most less fewest, of all histories and steps", max(years) - min(years), 0
        ),
        Target("time of a daily run's load, 10 years of history, as a multiple of 1 year", new / old, FLAT),
        Target(
            f"time of a daily run's load beside {points[-1]['other accounts']} other accounts, as a multiple of alone",
            points[-1]["of alone"],
            FLAT,
        ),
    ]
    report.remarks.append(
        "A daily run reads the stored days of the calendar years that its 63 days touch, here two, so a household of "
        "less than two years reads less. `of alone`: the same run at the same time in databases without other accounts."
    )
    report.remarks.append("After every run its household's days and totals were read and held against GRDF's word.")


def _cpu(found: Samples, name: str) -> Row:
    """Return the CPU time of a load, if the system reports the server's."""
    if "cpu" not in found.middle(name):
        return {}
    return {"CPU ms": found.middle(name)["cpu"], "CPU of alone": found.ratio(name, f"{name} alone", "cpu")}


def _rate(before: Row | None, after: Row) -> float | None:
    if before is None or after["seconds"] <= before["seconds"]:
        return None
    return (after["documents"] - before["documents"]) / (after["seconds"] - before["seconds"])


def _extrapolate(report: Report, world: World) -> None:
    last = world.state.points[-1]
    per_document, filled = last["MB"] * 1e6 / last["documents"], world.state.filled
    if (filled, world.state.history) == (GOAL, GOAL_DAYS) or not world.state.seconds:
        return
    rate = filled * world.state.history / world.state.seconds
    goal = GOAL * GOAL_DAYS
    report.remarks.append(
        f"{GOAL:,} accounts with 3 years each are {goal / 1e6:.1f} million day documents. From these figures they "
        f"would take {goal / rate / 60:.0f} minutes to store ({rate:.0f} a second) and "
        f"{goal * per_document / 1e9:.1f} GB; `./grdf bench store --accounts {GOAL} --years 3 --minutes 90 "
        "--keep FOLDER` does it."
    )
