"""Processes that share one quota: a file, and PostgreSQL if it is installed. And a whole fleet, simulated."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest

from benchmarks import quota_fleet
from benchmarks.report import Report
from include.sandbox.processes import Processes
from tests.postgres import available, postgres

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """
import sys, time
from grdf.quota.governor import Governor
from grdf.quota.quota_store import QuotaStore
from grdf.quota.call_terms import Quota
from tests.plugins.clockwork import call
url, pace, calls = sys.argv[1:]
governor = Governor(QuotaStore(url), "pace", Quota(float(pace), 6000))
governor.calls_left()
print("ready", flush=True)
sys.stdin.readline()
for _ in range(int(calls)):
    call(governor)
    print(time.time(), flush=True)
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A store of its own; the PostgreSQL is in a time zone whose hours can occur twice."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'folder' / 'quota.db'}"
        return
    if not available():
        pytest.skip("PostgreSQL is not installed")
    with Processes() as processes, postgres(processes) as server:
        with psycopg.connect(server.url, autocommit=True) as database:
            database.execute("ALTER ROLE airflow SET timezone = 'Europe/Paris'")
        yield server.url


@contextmanager
def caller(url: str, pace: float, calls: int) -> Iterator[subprocess.Popen[str]]:
    env = os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "plugins")))}
    command = [sys.executable, "-P", "-c", PROGRAM, url, str(pace), str(calls)]
    with subprocess.Popen(
        command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def test_processes_share_the_pace_and_none_starves(url: str) -> None:
    pace, calls = 10.0, 12
    with ExitStack() as stack:
        running = [stack.enter_context(caller(url, pace, calls)) for _ in range(3)]
        for each in running:
            assert each.stdin
            each.stdin.write("go\n")
            each.stdin.flush()
        made = [[float(line) for line in each.stdout or ()] for each in running]
    together = sorted(itertools.chain(*made))
    assert len(together) == 3 * calls
    # A tenth of a second apart on the shared clock. Each then took some time to report it.
    assert together[-1] - together[0] >= (len(together) - 1) / pace
    assert min(after - before for before, after in zip(together, together[10:], strict=False)) > 0.9
    # A call delayed for longer than a turn goes when it can. Among several, chance decides (grdf.quota.quota_state).
    first_to_end = min(each[-1] for each in made)
    assert all(each[0] < first_to_end for each in made), "nobody's calls wait for the end of others"


def test_every_account_is_read_every_day_beside_an_import_where_some_have_many_meters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the issue's fleet (2,000 accounts of one meter, 150 of twenty; 5,000 of 6,000 calls wanted), a fiftieth."""
    for name in ("AIRFLOW__GRDF__STAGING_URL", "AIRFLOW_CONN_GRDF_ADICT", "AIRFLOW__CORE__MAX_MAP_LENGTH"):
        monkeypatch.setenv(name, "-")  # the simulation sets its own, and this restores them
    report = Report("quota-fleet")
    quota_fleet.run(report, tmp_path, accounts=43)
    assert len(report.targets) == 4
    assert all(target.met for target in report.targets), report.targets
    for rows in report.tables.values():
        assert {row["calls, daily"] for row in rows} == {100}, "no call is made twice"
        assert sum(row["calls, import"] for row in rows) > 100, "the import goes on beside them"
