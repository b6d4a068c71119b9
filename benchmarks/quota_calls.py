"""Several processes that read meters under a quota, and the calls as the sandbox saw them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from include.sandbox.adict.meter_data.meters import holder_of
from include.sandbox.local_world import LocalWorld

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Outcome:
    """What the sandbox saw; ``floor`` is the minimum of seconds under the quota."""

    calls: int
    refused: int
    seconds: float
    floor: float
    trouble: list[str]

    @property
    def ratio(self) -> float:
        return self.seconds / self.floor if self.floor else 1.0


def calls(
    world: LocalWorld,
    home: Path,
    accounts: int,
    *,
    per_second: float,
    workers: int = 4,
    pause: float | None = None,
) -> Outcome:
    """Let several processes read one meter of each account under a quota.

    :param pause: seconds between a worker's calls; ``None`` for our hook and governor
    """
    work = [(f"bench-{number}", _meter(number)) for number in range(accounts)]
    control = world.control
    control.consent([pce for _, pce in work])
    connection = json.loads(world.connections()["AIRFLOW_CONN_GRDF_ADICT"])
    connection["extra"]["calls_per_second"] = per_second if pause is None else 1000
    home.mkdir(parents=True, exist_ok=True)
    env = {"AIRFLOW_HOME": str(home), "AIRFLOW_CONN_GRDF_ADICT": json.dumps(connection)}
    control.set(calls_per_second=per_second)
    control.drop_calls()
    control.clear_log()
    try:
        with ExitStack() as stack:
            running = [stack.enter_context(_worker(env, pause)) for _ in range(workers)]
            for each in running:
                _line(each)
            for number, each in enumerate(running):
                assert each.stdin
                each.stdin.write(json.dumps(work[number::workers]) + "\n")
                each.stdin.flush()
            told = [json.loads(_line(each)) for each in running]
    finally:
        control.set(calls_per_second=None)
    seen = control.log()
    instants = sorted(datetime.fromisoformat(entry["at"]) for entry in seen)
    return Outcome(
        calls=len(seen),
        refused=sum(entry["status"] == 429 for entry in seen),
        seconds=(instants[-1] - instants[0]).total_seconds(),
        floor=(len(seen) - 1) / per_second,
        trouble=[text for each in told for text in each["refused"]],
    )


def _meter(number: int) -> str:
    holder = holder_of(f"Alix;Exemple;foyer-{8_000_000 + number}-1@example.org;TIERS")
    assert holder is not None
    return holder.pces[0]


@contextmanager
def _worker(env: dict[str, str], pause: float | None) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-P", "-m", "benchmarks.quota_worker", *([] if pause is None else [str(pause)])]
    paths = os.pathsep.join((str(ROOT), str(ROOT / "plugins")))
    process: subprocess.Popen[str] = subprocess.Popen(
        command,
        env=os.environ | {"PYTHONPATH": paths} | env,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _line(process: subprocess.Popen[Any]) -> str:
    """Return a worker's next line of output that Airflow has not logged."""
    assert process.stdout
    for line in process.stdout:
        if line.startswith(("ready", '{"refused"')):
            return str(line)
    raise RuntimeError(f"A worker ended too early, with exit code {process.wait()}; run it by hand to see why.")
