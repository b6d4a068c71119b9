"""How long the lake's runs take, and whether their memory grows with what is stored.

A quarter of the households is stored and exported, then all of them into a new lake; then come a morning's new day for
everybody, a household's deletion, and a run with nothing new. Each run is a process of its own, whose peak is measured.
Figures follow from the household and the day, so DuckDB's sums are held against known ones.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import duckdb

from benchmarks.couch_places import Place, server
from benchmarks.report import Report, Row, Target
from benchmarks.store_fleet import LAST_DAY, Member, fill, other
from benchmarks.store_world import connected
from benchmarks.timing import print_run, run_alone
from grdf.hooks.couchdb import CouchDBHook
from grdf.operators.exports.export_lake import SECRET, ExportLakeOperator
from grdf.stores.removal import Remover
from include.gas.answers.consumption.daily import Reading
from include.gas.documents.day_documents import account_range, day_document, month_id, year_id
from include.gas.documents.doctypes import ACCOUNT, DATA, DAY, METER, MONTH, YEAR

ACCOUNTS, YEARS, MINUTES = 100, 3.0, 20.0
GOAL, ENOUGH = 5_000_000, 100_000
TODAY = LAST_DAY + timedelta(days=1)
NEW = 42
"""kWh of the morning's new day."""


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
    wanted, history = accounts or ACCOUNTS, round((years or YEARS) * 365)
    until, filled = time.monotonic() + 60 * (minutes or MINUTES), 0
    with server(home / "couch") as couch, couch.fresh() as place:
        place.create(ACCOUNT, DAY, MONTH, YEAR, METER)
        connected(place)
        rows: list[Row] = []
        for part, count in {"a quarter": max(1, wanted // 4), "all": wanted}.items():
            filled = max([filled, *fill(place, history, filled, count, until)])
            os.environ["AIRFLOW__GRDF__LAKE_URL"] = f"file://{(lake := home / part)}"
            rows.append(_measured(f"first run, {part}", filled))
            _compare(report, lake, range(filled), history)
        if filled < wanted:
            report.remarks.append(f"Storing was stopped at {filled} of {wanted} households: --minutes gives more.")
        _add_morning([other(number, history) for number in range(filled)])
        rows.append(_measured("a new day for everybody", filled))
        _remove(place, other(0, history))
        rows.append(_measured("a household deleted", filled))
        _compare(report, lake, range(1, filled), history, morning=True)
        rows.append(_measured("nothing new", filled))
        if rows[-1]["files written"]:
            report.wrong.append("a run with nothing new has written")
        report.facts = {"CouchDB": couch.greeting, "days of each household": history}
        report.tables["The lake's runs"] = rows
        report.tables["On disk"] = [
            {"lake": part, "MB": sum(file.stat().st_size for file in (home / part).rglob("*.*")) / 1e6}
            for part in ("a quarter", "all")
        ]
        quarter, whole = rows[:2]
        report.targets = [
            Target("peak memory of a first run of all, as a multiple of a quarter", whole["MB"] / quarter["MB"], 1.5),
        ]
        if whole["days"] >= ENOUGH:
            took = GOAL / 60 * whole["s"] / whole["days"]
            report.targets.append(Target("minutes for 5 million days at this rate", took, 15))


def _measured(what: str, households: int) -> Row:
    figures = run_alone("benchmarks.lake", **{f"AIRFLOW_VAR_{SECRET.upper()}": "bench"})
    print(f"  {what}: {figures['s']:.1f} s, {figures['MB']:.0f} MB", flush=True)
    return {"run": what, "households": households, **figures}


def _export() -> Row:
    counts = ExportLakeOperator(task_id="export_lake").perform({})
    return {
        "days": counts["days"],
        "months, years": counts["months"] + counts["years"],
        "rows removed": counts["removed"],
        "files written": counts["files"],
    }


def _add_morning(members: list[Member]) -> None:
    """Store a new day of each household, and its totals."""
    hook = CouchDBHook()
    hook.write(DAY, [day_document(m.account, Reading(TODAY, NEW), m.pce, f"{TODAY}T09:00:00Z") for m in members])
    for doctype, name in {MONTH: lambda *key: month_id(*key, TODAY.month), YEAR: year_id}.items():
        stored = hook.fetch(doctype, [name(member.account, member.pce, TODAY.year) for member in members])
        hook.write(doctype, [each | {"load": each["load"] + NEW} for each in stored.values()])


def _remove(place: Place, member: Member) -> None:
    remover = Remover(CouchDBHook())
    for doctype in DATA:
        remover.remove_range(doctype, *account_range(member.account))
    remover.remove(ACCOUNT, member.account)


def _compare(report: Report, lake: Path, numbers: range, history: int, *, morning: bool = False) -> None:
    months, days = Counter[tuple[int, int]](), 0
    for number in numbers:
        for day, load in (other(number, history).loads(0) | ({TODAY: NEW} if morning else {})).items():
            months[day.year, day.month] += load
            days += 1
    for table in ("days", "months"):
        found = duckdb.sql(
            f"SELECT year, month, sum(load) FROM read_parquet('{lake}/{table}/**/*.parquet', hive_partitioning = true) "
            "GROUP BY ALL"
        ).fetchall()
        if {(year, month): load for year, month, load in found} != months:
            report.wrong.append(f"{lake.name}: the loads of {table} by month are not the stored ones")
    counted = duckdb.sql(f"SELECT count(DISTINCT (account, first)) FROM '{lake}/days/*/*/*.parquet'")
    if (stored := counted.fetchall()[0][0]) != days:
        report.wrong.append(f"{lake.name}: {stored} days and not {days}")


if __name__ == "__main__":
    print_run(_export)
