"""How long ``grdf_city`` takes for many households in groups, and whether its memory grows with them.

A quarter of the households is published, then all of them; then come a month that has just settled, and a run with
nothing new. Each run is a process of its own, whose peak is measured, beside one raw read of all months.
"""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

from benchmarks.couch_places import Place, server
from benchmarks.report import Report, Row, Target
from benchmarks.store_world import connected
from benchmarks.timing import print_run, run_alone
from grdf.hooks.couchdb import CouchDBHook
from grdf.operators.exports.publish_city import PublishCityOperator
from grdf.stores.group_store import GroupStore
from include.gas.city.figures import last_settled_month
from include.gas.city.weather import length
from include.gas.days.gas_day import paris_today
from include.gas.documents.day_documents import month_id
from include.gas.documents.doctypes import ACCOUNT, CITY, DAY, METER, MONTH, YEAR
from include.gas.documents.totals import bare_total

ACCOUNTS, MONTHS = 200, 36
GROUPS = {"iris": 24, "postcode": 8, "programme": 5, "building": 3}
"""Forty groups, fewer of few households; a third of the households is in a programme, some in a large building."""
SHARE = {"programme": 0.33, "building": 0.05}


def run(report: Report, home: Path, *, accounts: int | None = None, **_: object) -> None:
    wanted, months = accounts or ACCOUNTS, _settled_months()
    rows: list[Row] = []
    with server(home / "couch") as couch:
        for part, count in {"a quarter": max(20, wanted // 4), "all": max(20, wanted)}.items():
            with couch.fresh() as place:
                place.create(ACCOUNT, DAY, MONTH, YEAR, METER, CITY)
                connected(place)
                _fill(count, months[:-1])
                raw = _read_raw(place)
                rows.append(_measured(f"first run, {part}", count))
                if part == "all":
                    _store_months(count, months[-1:])
                    rows.append(_measured("a month has settled", count))
                    rows.append(_measured("nothing new", count))
        quarter, whole, month, idle = rows
        if idle["figures"] or not month["figures"]:
            report.wrong.append("a settled month was not published, or one twice")
    report.facts = {"CouchDB": couch.greeting, "months": len(months), "groups": sum(GROUPS.values())}
    report.tables["grdf_city's runs"] = rows
    report.remarks.append(f"A raw read of all months took {raw:.1f} s.")
    report.targets = [
        Target("peak memory for all, as a multiple of a quarter", whole["MB"] / quarter["MB"], 1.5),
        Target("a run with nothing new, as a multiple of a raw read of all months", idle["s"] / raw, 5),
        Target("minutes of a first run", whole["s"] / 60, 10),
    ]


def _settled_months() -> list[date]:
    found = [last_settled_month(paris_today(datetime.now(UTC)))]
    while len(found) < MONTHS:
        found.append((found[-1] - timedelta(days=1)).replace(day=1))
    return found[::-1]


def _fill(count: int, months: list[date]) -> None:
    random, couchdb = Random(1), CouchDBHook()
    names = [f"bench-{number:05}" for number in range(count)]
    groups = {
        name: {
            dimension: f"{dimension}-{random.randrange(min(most, 1 + count // 50))}"
            for dimension, most in GROUPS.items()
            if random.random() < SHARE.get(dimension, 1)
        }
        for name in names
    }
    couchdb.write(ACCOUNT, [{"_id": name, "account_type": "grdfgrandlyon"} for name in names])
    GroupStore(couchdb).assign_groups(groups)
    _store_months(count, months)


def _store_months(count: int, months: list[date]) -> None:
    couchdb, random = CouchDBHook(), Random(months[0].toordinal())
    for month in months:
        totals = [
            bare_total(
                month_id(f"bench-{number:05}", f"{10**13 + number}", month.year, month.month),
                random.randrange(50, 2500),
                length(month) - (random.random() < 0.03),
            )
            for number in range(count)
        ]
        couchdb.write(MONTH, totals)


def _read_raw(place: Place) -> float:
    before = time.monotonic()
    place.documents(MONTH)
    return time.monotonic() - before


def _measured(what: str, households: int) -> Row:
    figures = run_alone("benchmarks.city")
    print(f"  {what}: {figures['s']:.1f} s, {figures['MB']:.0f} MB", flush=True)
    return {"run": what, "households": households, **figures}


def _publish() -> dict[str, int]:
    return {"figures": sum(PublishCityOperator(task_id="publish_city").perform({}).values())}


if __name__ == "__main__":
    print_run(_publish)
