"""The fleet benchmark notices if the store differs from GRDF, or memory grows. No Airflow is started here."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import requests

from benchmarks.fleet_accounts import Fleet
from benchmarks.fleet_clients import environment, several
from benchmarks.fleet_memory import judge, read
from benchmarks.fleet_watch import FIELDS, Watch
from benchmarks.plots import draw
from benchmarks.plots_fleet import charts
from benchmarks.report import Report
from include.sandbox.local_world import LocalWorld


@pytest.mark.parametrize("clients", [1, 2])
def test_a_store_that_is_not_as_grdf_says_is_noticed(
    clients: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    with LocalWorld(tmp_path / "world", memory=True) as world:
        for name, value in (world.connections() | environment(world, several(clients))).items():
            monkeypatch.setenv(name, value)
        fleet = Fleet(3, world.control.today(), several(clients))
        fleet.connect(world)
        assert len({world.book.get(member.id).get("grdf_connection") for member in fleet.members}) == clients
        fleet.seed()
        newest = fleet.seeded_end - timedelta(days=1)
        days = {member.id: newest for member in fleet.members}
        assert fleet.differences(world, days) == []

        missing = fleet.members[2].id
        told = fleet.differences(world, {name: day for name, day in days.items() if name != missing})
        assert told == [f"account {missing} had no successful run"]

        late = fleet.members[1].id
        (told_late,) = fleet.differences(world, days | {late: newest + timedelta(days=1)})
        assert late in told_late

        first = fleet.members[0]
        address = f"{world.couch.url}/com-grandlyon-grdf-month/{first.id}:{first.pce}:{newest:%Y-%m}"
        login = (world.couch.user, world.couch.password)
        total = requests.get(address, auth=login, timeout=30).json()
        answer = requests.put(address, json=total | {"load": total["load"] + 1}, auth=login, timeout=30)
        assert answer.ok
        (told_wrong,) = fleet.differences(world, days)
        assert first.id in told_wrong
        assert "1 periods differ" in told_wrong


def test_memory_that_grows_misses_the_target(tmp_path: Path) -> None:
    file = tmp_path / "memory.csv"
    with file.open("w", newline="") as out:
        writer = csv.DictWriter(out, FIELDS)
        writer.writeheader()
        for minute in range(121):
            common = {"minute": minute, "runs": minute, "tasks": 4 * minute}
            writer.writerow(common | {"component": "flat", "pss": 100, "rss": 200, "anon": 50})
            writer.writerow(common | {"component": "leaking", "pss": 100 + minute, "rss": 200 + minute, "anon": 50})
    report = Report("fleet")
    judge(report, read(file))
    met = {target.what: target.met for target in report.targets}
    assert met == {
        "growth of flat (rss), %": True,
        "growth of flat (pss), %": True,
        "growth of flat (anon), %": True,
        "growth of leaking (rss), %": False,
        "growth of leaking (pss), %": False,
        "growth of leaking (anon), %": True,
    }
    # A run that is too short for a statement says nothing about growth.
    with file.open(newline="") as lines:
        early = [row for row in csv.DictReader(lines) if float(row["minute"]) <= 20]
    short = Report("fleet")
    judge(short, early)
    assert short.targets == []
    for chart in charts(read(file)):
        assert draw(chart, tmp_path).read_bytes().startswith(b"\x89PNG")
    assert charts(read(file))[0].curves["ended"][-1] == (120.0, 120.0)


def test_how_often_dag_files_are_read_again_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.fleet_watch.FILES_SECONDS", 0.0)
    start = datetime(2026, 3, 1, tzinfo=UTC)
    seen = [
        ("one.py", 10, start, 0.5),
        ("one.py", 10, start, 0.5),  # checked again before Airflow has read it again
        ("one.py", 11, start + timedelta(seconds=40), 0.7),
        ("one.py", 11, start + timedelta(seconds=90), 0.6),
    ]
    airflow = SimpleNamespace(dag_files=lambda: [seen.pop(0)])
    watch = Watch(cast("Any", SimpleNamespace(airflow=airflow)))
    while seen:
        watch.look()
    (row,) = watch.dag_files()
    assert row == {
        "DAG file": "one.py",
        "accounts": 11,
        "read again": 2,
        "building s, median": pytest.approx(0.65),
        "most": 0.7,
        "between s, median": 45.0,
        "longest": 50.0,
    }
