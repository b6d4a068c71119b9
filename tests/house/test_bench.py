"""The benchmarks run at a tiny size, and notice what is stored wrong. The measured times are not checked here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from benchmarks.fleet_accounts import Fleet
from benchmarks.fleet_clients import environment, several
from include.sandbox.local_world import LocalWorld

ROOT = Path(__file__).resolve().parents[2]
TINY = {
    "parse": ("--accounts", "3"),
    "peers": ("--days", "40"),
    "page": ("--accounts", "60"),
    "store": ("--years", "0.05", "--accounts", "3"),
    "cozy": ("--years", "0.2", "--accounts", "3"),
}
SABOTAGED = """
import sys
from benchmarks import __main__ as bench

honest = bench.run

def run(report, home, options):
    {sabotage}
    honest(report, home, options)

bench.run = run
sys.exit(bench.main(sys.argv[1:]))
"""
TOTALS_OFF_BY_ONE = """
    from include.gas.documents import storing as load
    true_years = load.year_documents
    def off_by_one(*given):
        return {key: total | {"load": total["load"] + 1} for key, total in true_years(*given).items()}
    load.year_documents = off_by_one
"""
ANOTHER_ORDER = """
    from tests.cozy.client import Client
    true_ask = Client.ask
    def ask(self, *given, **options):
        answer = true_ask(self, *given, **options)
        return answer | {"pages": [page[::-1] for page in answer["pages"]]}
    Client.ask = ask
"""


def bench(tmp_path: Path, name: str, sabotage: str | None = None) -> tuple[int, dict[str, Any]]:
    """Run a benchmark once, and return its exit code and its figures.

    :param sabotage: Python code to run in it before it begins, indented by four spaces
    """
    file = tmp_path / "figures.json"
    start = ("-m", "benchmarks") if sabotage is None else ("-c", SABOTAGED.format(sabotage=sabotage))
    done = subprocess.run(
        [sys.executable, "-P", *start, name, *TINY[name], "--repeat", "1", "--json", str(file)],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "plugins")))},
        capture_output=True, text=True, timeout=400, check=False,
    )  # fmt: skip
    assert file.exists(), done.stdout + done.stderr
    return done.returncode, json.loads(file.read_text())[name]


@pytest.mark.parametrize("name", TINY)
def test_it_runs_and_finds_nothing_wrong(tmp_path: Path, name: str) -> None:
    code, report = bench(tmp_path, name)
    assert (code, report["wrong"]) == (0, [])
    assert all(report["tables"].values())


@pytest.mark.parametrize(
    ("name", "sabotage", "noticed"),
    [
        ("store", TOTALS_OFF_BY_ONE, "totals not the sum of stored days"),
        ("cozy", ANOTHER_ORDER, "in another order"),
    ],
)
def test_what_is_wrong_makes_it_fail(tmp_path: Path, name: str, sabotage: str, noticed: str) -> None:
    code, report = bench(tmp_path, name, sabotage)
    assert code == 1
    assert any(noticed in each for each in report["wrong"]), report["wrong"]


def test_a_fleet_s_store_that_is_not_as_grdf_says_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    with LocalWorld(tmp_path / "world", memory=True) as world:
        for name, value in (world.connections() | environment(world, several(2))).items():
            monkeypatch.setenv(name, value)
        fleet = Fleet(3, world.control.today(), several(2))
        fleet.connect(world)
        fleet.seed()
        newest = fleet.seeded_end - timedelta(days=1)
        days = {member.id: newest for member in fleet.members}
        assert fleet.differences(world, days) == []
        first, late, missing = fleet.members
        assert fleet.differences(world, {name: day for name, day in days.items() if name != missing.id}) == [
            f"account {missing.id} had no successful run"
        ]
        (told,) = fleet.differences(world, days | {late.id: newest + timedelta(days=1)})
        assert late.id in told
        address = f"{world.couch.url}/com-grandlyon-grdf-month/{first.id}:{first.pce}:{newest:%Y-%m}"
        login = (world.couch.user, world.couch.password)
        total = requests.get(address, auth=login, timeout=30).json()
        assert requests.put(address, json=total | {"load": total["load"] + 1}, auth=login, timeout=30).ok
        (told,) = fleet.differences(world, days)
        assert first.id in told
