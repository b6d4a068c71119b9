"""An import that is killed on the way and started again, against an enforced quota.

``GRDF_TEST_IMPORT_LINES=1000 pytest -s tests/importing/test_killed.py`` imports more lines, and prints the figures.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from tests.helpers import wait
from tests.importing.scene import files, household, names_person, outcomes, paced, put, puts, records, rights

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

LINES = int(os.environ.get("GRDF_TEST_IMPORT_LINES", "60"))
PER_SECOND = 20.0
ROOT = Path(__file__).resolve().parents[2]
FIRST = 500_000


def worker(env: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    paths = os.pathsep.join((str(ROOT), str(ROOT / "plugins")))
    command = [sys.executable, "-P", "-m", "tests.importing.worker"]
    with log.open("ab") as output:
        return subprocess.Popen(
            command, env=os.environ | env | {"PYTHONPATH": paths}, cwd=ROOT, stdout=output, stderr=output
        )


def test_each_household_gets_one_right_however_often_it_is_killed(clean: LocalWorld, tmp_path: Path) -> None:
    homes = [household(FIRST + number) for number in range(LINES)]
    for home in homes[::2]:
        home["account"] = ""
    put(homes)
    env, log = paced(clean, PER_SECOND), tmp_path / "worker.log"
    clean.control.drop_calls()
    clean.control.clear_log()
    began = time.monotonic()
    try:
        for part in (1, 2):
            running = worker(env, log)
            wait(lambda part=part: len(rights(clean, FIRST)) >= part * LINES // 3, what=f"part {part} of the rights")
            running.send_signal(signal.SIGKILL)
            assert running.wait(60) == -signal.SIGKILL
            assert len(rights(clean, FIRST)) < LINES
        wait(lambda: worker(env, log).wait(600) == 0, seconds=600, what="the rest, tried again as Airflow does")
    finally:
        clean.control.set(calls_per_second=None)
    seconds, calls = time.monotonic() - began, clean.control.log()
    refused = sum(call["status"] == 429 for call in calls)
    print(
        f"{LINES} lines, {len(rights(clean, FIRST))} rights, {len(calls)} calls ({puts(clean)} declarations), "
        f"{refused} answers 429, {seconds:.0f} s at {PER_SECOND:.0f} calls a second"
    )
    assert refused == 0
    assert Counter(right["id_pce"] for right in rights(clean, FIRST)) == Counter(home["pce"] for home in homes)
    assert {outcome for _, outcome in outcomes()} <= {"declared", "connected"}, "by this try, or by a killed one"
    accounts = [account for account, _ in outcomes()]
    assert len({*accounts}) == LINES
    assert all(records(account) for account in accounts)
    for account, home in zip(accounts, homes, strict=True):
        stored = clean.book.get(account) or {}
        assert stored["oauth_callback_results"]["pce_id"] == home["pce"]
        assert home["email"] not in str(stored)
    assert files() == ["homes.result.csv"]
    assert names_person(log.read_text(errors="replace")) == []
