"""The tests' side of the worker: start it, send requests, and read what it has logged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

ROOT = Path(__file__).resolve().parents[2]
USUAL = {"AIRFLOW__GRDF__RETRIES": "0"}
"""No retries, because ``dag.test()`` would wait for them. Tests of retries set their own."""
AT_DEBUG = {
    "AIRFLOW__LOGGING__LOGGING_LEVEL": "DEBUG",
    "AIRFLOW__LOGGING__LOGGING_CONFIG_CLASS": "tests.runs.debug_logging.LOGGING_CONFIG",
}
"""Lets a new worker log as much as docs/security.md allows."""


@dataclass(frozen=True)
class Run:
    """One finished run of an account's DAG.

    :param state: ``success`` or ``failed``; ``None`` if there was no such DAG
    :param tasks: states by task id
    :param output: everything that was printed and logged during the run
    :param calls: the calls to GRDF's stand-in during the run
    """

    state: str | None
    tasks: Mapping[str, str]
    output: str
    calls: list[dict[str, Any]]
    run_id: str = ""
    errors: list[str] = field(default_factory=list)

    def asked(self, path: str) -> list[dict[str, Any]]:
        """Return the calls whose path has this ending."""
        return [call for call in self.calls if call["path"].endswith(path)]

    @property
    def data_calls(self) -> list[dict[str, Any]]:
        return self.asked("/donnees_consos_informatives")

    @property
    def token_calls(self) -> list[dict[str, Any]]:
        return self.asked("/access_token")


class Worker:
    """A running ``tests.runs.worker``."""

    def __init__(self, log: Path, world: LocalWorld) -> None:
        self.log = log
        self._world = world
        self._lock = threading.Lock()
        into, out = os.pipe()
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-u", "-m", "tests.runs.worker", str(out)],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=(out,),
                cwd=ROOT,
                env=os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "plugins")))},
                text=True,
            )
        os.close(out)
        self._answers = os.fdopen(into, encoding="utf-8")

    def ask(self, do: str, env: Mapping[str, str] | None = None, **arguments: Any) -> Any:
        """Send one request and return its answer."""
        request = {"do": do, "env": {**USUAL, **(env or {})}, **arguments}
        with self._lock:
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            line = self._answers.readline()
        assert line, f"The worker ended; its log says:\n{self.log.read_text(errors='replace')[-3000:]}"
        reply = json.loads(line)
        assert "failure" not in reply, reply["failure"]
        return reply["answer"]

    def step(self, step: str, account: str, day: date, **arguments: Any) -> tuple[dict[str, Any], Run]:
        """Execute one operator in a separate process. Return its outcome, its log and its calls."""
        seen, start = self._mark()
        answer = self.ask("run_step", step=step, account=account, day=day.isoformat(), **arguments)
        return answer, Run(None, {}, self._since(start), self._world.control.log(seen))

    def _mark(self) -> tuple[int, int]:
        calls = self._world.control.log()
        return (calls[-1]["n"] if calls else 0), self.log.stat().st_size

    def _since(self, start: int) -> str:
        with self.log.open("rb") as log:
            log.seek(start)
            return log.read().decode("utf-8", errors="replace")

    def run(self, account: str, day: date | None = None, env: Mapping[str, str] | None = None) -> Run:
        """Run an account's DAG for a gas day, or as a manual run now."""
        seen, start = self._mark()
        at = None if day is None else _noon_after(day).isoformat()
        answer = self.ask("run_dag", env, account=account, at=at)
        return Run(
            state=answer["state"],
            tasks=answer.get("tasks", {}),
            output=self._since(start),
            calls=self._world.control.log(seen),
            run_id=answer.get("run_id", ""),
            errors=answer.get("errors", []),
        )

    def run_named(self, dag_id: str, conf: Mapping[str, Any], env: Mapping[str, str] | None = None) -> Run:
        """Run a DAG with the values of its form."""
        seen, start = self._mark()
        answer = self.ask("run_named", env, dag_id=dag_id, conf=conf)
        assert answer["state"] is not None, answer["errors"]
        return Run(
            answer["state"], answer["tasks"], self._since(start), self._world.control.log(seen), answer["run_id"]
        )

    def stop(self) -> None:
        """End the worker by closing its stdin."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._answers.close()


@contextmanager
def worker(log: Path, world: LocalWorld) -> Iterator[Worker]:
    """Run a worker inside the block."""
    running = Worker(log, world)
    try:
        yield running
    finally:
        running.stop()


def _noon_after(day: date) -> datetime:
    """Return a time at which a gas day is the last one that has ended. Each call returns a different time."""
    now = datetime.now(UTC)
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC) + timedelta(days=1)
    return noon + timedelta(seconds=now.second, microseconds=now.microsecond)
