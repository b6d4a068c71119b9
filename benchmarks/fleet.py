"""A real Airflow reads a fleet of accounts once: does only GRDF's quota limit the daily pass?

On PostgreSQL with LocalExecutor and ``airflow.env``; GRDF's stand-in enforces the quota. All accounts are due at once,
worse than in production. Meanwhile a backfill starts and a household consents. At the end all days and totals are
compared.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks import fleet_hours, fleet_memory
from benchmarks.fleet_accounts import Member
from benchmarks.fleet_asked import Asked
from benchmarks.fleet_setting import Running, running
from benchmarks.fleet_watch import Watch
from benchmarks.report import Report, Row, Target
from include.gas.documents.day_documents import dag_id
from tests.postgres import version

LIMIT_RATIO, VISIBLE_SECONDS = 1.1, 60.0
BACKFILLED = 3
WORD_SECONDS = 15.0
LIMIT_SECONDS = 180.0
"""Seconds allowed beyond four times the quota's floor: a refused task comes back after 10 min."""


def run(report: Report, home: Path, asked: Asked) -> None:
    with running(home, asked) as here:
        report.facts = {
            "accounts": asked.accounts,
            "clients": asked.clients,
            "quota": f"{asked.per_second:g} call a second for each client",
            "postgresql": version(),
            **asked.settings,
        }
        here.start_dags()
        # Its first run would start at once, but belongs after the daily pass.
        here.airflow.pause("grdf_published")
        _Pass(report, here, asked).measure()


class _Pass:
    def __init__(self, report: Report, here: Running, asked: Asked) -> None:
        self.report, self.here, self.asked = report, here, asked
        self.airflow = here.airflow
        self.most = 0
        self.cut: datetime | None = None
        self.backfilled = dag_id(here.fleet.members[0].id)

    def measure(self) -> None:
        cpu, start = self.here.cpu(), time.monotonic()
        self.airflow.start(self.here.processes, "scheduler")
        visible: float | None = None
        watch = Watch(self.here, self.asked.csv)
        limit = start + LIMIT_SECONDS + 4 * self.asked.accounts / min(self.asked.calls_per_second, 1)
        word = 0.0
        while True:
            done = self.airflow.runs("scheduled")
            watch.look()
            self.most = max(self.most, done.get("running", 0))
            if visible is None and done.get("success", 0) >= self.asked.accounts // 4:
                self._start_backfill()
                visible = self._connect_one_more()
            if _ended(done) >= self.asked.accounts + (visible is not None) and self._backfill_ended():
                break
            if self.asked.minutes and time.monotonic() > start + 60 * self.asked.minutes:
                self.cut = datetime.now(UTC)
                self.report.remarks.append(f"Looked at for {self.asked.minutes:g} minutes only; {done} until then.")
                break
            if time.monotonic() > limit:
                self.report.wrong.append(f"not all runs ended in {limit - start:.0f} s: {done}")
                break
            if time.monotonic() > word:
                word = time.monotonic() + WORD_SECONDS
                self.here.say(f"runs {done}, backfill {self.airflow.runs('backfill')}, tasks {self.airflow.tasks()}")
            time.sleep(0.5)
        self._judge(cpu, time.monotonic() - start, visible, watch.dag_files())
        if self.asked.then:
            self.here.say(f"Now a run is started every {self.asked.every:g} s for {self.asked.then:g} minutes.")
            fleet_hours.drive(self.report, self.here, self.asked.every, 60 * self.asked.then, watch)
        self._compare()
        if self.asked.csv:
            fleet_memory.judge(self.report, fleet_memory.read(self.asked.csv))

    def _start_backfill(self) -> None:
        # Within the stored days, one by one, as from Airflow's UI.
        end = self.here.fleet.seeded_end
        answer = self.airflow.stack.api(
            "POST",
            "/backfills",
            json={
                "dag_id": self.backfilled,
                "from_date": f"{end - timedelta(days=BACKFILLED)}T12:00:00Z",
                "to_date": f"{end}T12:00:00Z",
                "reprocess_behavior": "completed",
                "dag_run_conf": {"include_definitive": True},
                "max_active_runs": BACKFILLED,
            },
        )
        answer.raise_for_status()
        self.here.say(f"A backfill of {BACKFILLED} days of one account is started.")

    def _connect_one_more(self) -> float:
        number = len(self.here.fleet.members)
        newcomer = Member(f"newcomer-{number}", f"0999999{number:07}")
        self.here.fleet.connect(self.here.world, [newcomer])
        self.here.fleet.members.append(newcomer)
        start = time.monotonic()
        while not self.airflow.has_dag(dag_id(newcomer.id)):
            if time.monotonic() - start > 600:
                self.report.wrong.append("the new account had no DAG after 600 s")
                break
            time.sleep(0.5)
        seconds = time.monotonic() - start
        self.here.say(f"A household that consented meanwhile has its DAG after {seconds:.0f} s.")
        return seconds

    def _backfill_ended(self) -> bool:
        return _ended(self.airflow.runs("backfill")) >= BACKFILLED

    def _judge(self, before: dict[str, float], wall: float, visible: float | None, files: list[Row]) -> None:
        scheduled, backfills, tasks = (
            self.airflow.runs("scheduled"),
            self.airflow.runs("backfill"),
            self.airflow.tasks(),
        )
        first, last = self.airflow.span("scheduled")
        back_first, back_last = self.airflow.span("backfill")
        after = self.here.cpu()
        last = self.cut or last
        pass_seconds = (last - first).total_seconds() if first and last else wall
        succeeded = tasks.get("success", 0)
        calls = self.here.calls()
        refused = [call for call in calls if call["status"] == 429]
        floor = len(calls) / self.asked.calls_per_second
        self.report.tables["The pass"] = [
            {
                "accounts": self.asked.accounts,
                "runs": sum(scheduled.values()) + sum(backfills.values()),
                "seconds": pass_seconds,
                "calls": len(calls),
                "quota's floor": floor,
                "of floor": pass_seconds / floor if floor else 0.0,
                "most runs at once": self.most,
                "answered 429": len(refused),
                "tasks/s": succeeded / pass_seconds,
                "backfill s": (back_last - back_first).total_seconds() if back_first and back_last else None,
                "new DAG s": visible,
            }
        ]
        spent = {name: after.get(name, 0.0) - before.get(name, 0.0) for name in after}
        self.report.tables["CPU seconds"] = [
            {"component": name, "total": value, "a task": value / max(succeeded, 1), "cores": value / wall}
            for name, value in [*sorted(spent.items(), key=lambda item: -item[1]), ("all", sum(spent.values()))]
        ]
        if files:
            self.report.tables["DAG files meanwhile"] = files
            readings = sum(row["accounts"] * row["read again"] for row in files)
            each = 1000 * spent["dag-processor"] / readings
            self.report.remarks.append(
                f"The DAG processor used {each:.2f} ms of CPU an account and pass: to build, serialise, write."
            )
        self.report.targets = [
            Target("seconds of the pass, of the quota's floor", pass_seconds / floor if floor else 0.0, LIMIT_RATIO),
            Target("seconds until a new account's DAG is visible", visible or 0.0, VISIBLE_SECONDS),
        ]
        ended_well = ("success", "removed")
        if not self.cut and (bad := {state: number for state, number in tasks.items() if state not in ended_well}):
            self.report.wrong.append(f"tasks did not all succeed: {bad}, such as {self.airflow.unfinished()}")
        if visible is not None and backfills.get("success") != BACKFILLED:
            self.report.wrong.append(f"the backfill did not end well: {backfills}")

    def _compare(self) -> None:
        calls = self.here.calls()  # including those after the pass
        self.report.targets.append(Target("answers 429", sum(call["status"] == 429 for call in calls), 0))
        self.report.remarks += _refusals(calls)[:5]
        self.report.wrong += self.airflow.errors()
        self.here.say("Comparing the store with GRDF ...")
        read = self.airflow.last_days()
        if self.cut:
            self.here.fleet.members = [each for each in self.here.fleet.members if each.id in read]
        self.report.wrong += _few(self.here.fleet.differences(self.here.world, read))


def _refusals(calls: list[dict[str, Any]]) -> list[str]:
    """Return how soon each refused call came after the previous one."""
    told = []
    for number, (before, call) in enumerate(pairwise(calls), 2):
        if call["status"] == 429:
            gap = datetime.fromisoformat(call["at"]) - datetime.fromisoformat(before["at"])
            told.append(f"Call {number}, {call['path']}, came {gap.total_seconds():.3f} s after {before['path']}: 429.")
    return told


def _ended(runs: dict[str, int]) -> int:
    return runs.get("success", 0) + runs.get("failed", 0)


def _few(texts: list[str], most: int = 10) -> list[str]:
    return texts[:most] + ([f"... and {len(texts) - most} more"] if len(texts) > most else [])
