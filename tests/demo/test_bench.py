"""The benchmarks run at a tiny size, and notice what is stored wrong. The measured times are not checked here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import requests

from benchmarks.fleet_accounts import Fleet
from benchmarks.fleet_clients import environment, several
from include.sandbox.local_world import LocalWorld

ROOT = Path(__file__).resolve().parents[2]
TINY = "--accounts 3 --days 40 --years 0.1 --repeat 1"
OFF_BY_ONE = """
from include.gas.documents import storing
true_years = storing.year_documents
storing.year_documents = lambda *given: {
    key: total | {"load": total["load"] + 1} for key, total in true_years(*given).items()
}
"""
ANOTHER_ORDER = """
from tests.cozy.client import Client
true_ask = Client.ask
def ask(self, *given, **options):
    answer = true_ask(self, *given, **options)
    return answer | {"pages": [page[::-1] for page in answer["pages"]]}
Client.ask = ask
"""
START = """
import sys
from benchmarks import __main__ as bench
true_run, wrong = bench.run, [{sabotage!r}]
def run(*given):
    while wrong:
        exec(wrong.pop(), globals())
    true_run(*given)
bench.run = run
sys.exit(bench.main(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("names", "sabotage", "noticed"),
    [
        (("parse", "peers", "page", "store", "cozy"), "", ()),
        (("store", "cozy"), OFF_BY_ONE + ANOTHER_ORDER, ("totals not the sum of stored days", "in another order")),
    ],
    ids=["right", "wrong"],
)
def test_they_fail_where_something_is_wrong(
    tmp_path: Path, names: tuple[str, ...], sabotage: str, noticed: tuple[str, ...]
) -> None:
    """Code that makes something wrong runs once the benchmark's own Airflow is set up."""
    done = subprocess.run(
        [sys.executable, "-Pc", START.format(sabotage=sabotage), *names, *TINY.split(), "--json", tmp_path / "json"],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "plugins")))},
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == bool(noticed), done.stdout + done.stderr
    reports = json.loads((tmp_path / "json").read_text())
    wrong = [each for name in names for each in reports[name]["wrong"]]
    assert bool(wrong) is bool(noticed), wrong
    assert all(any(each in text for text in wrong) for each in noticed), wrong
    assert all(table for name in names for table in reports[name]["tables"].values())


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
        unread = fleet.differences(world, {name: day for name, day in days.items() if name != missing.id})
        behind = fleet.differences(world, days | {late.id: newest + timedelta(days=1)})
        address = f"{world.couch.url}/com-grandlyon-grdf-month/{first.id}:{first.pce}:{newest:%Y-%m}"
        login = (world.couch.user, world.couch.password)
        total = requests.get(address, auth=login, timeout=30).json()
        assert requests.put(address, json=total | {"load": total["load"] + 1}, auth=login, timeout=30).ok
        for (told,), member in ((unread, missing), (behind, late), (fleet.differences(world, days), first)):
            assert member.id in told
