"""The tests' side of the worker: start it, send requests, and read what it has logged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
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
    """One finished run.

    :param tasks: states by task id, of mapped tasks with their number after it
    :param output: everything that was printed and logged during the run
    :param calls: the calls to GRDF's stand-in during the run
    """

    state: str
    tasks: Mapping[str, str]
    output: str
    calls: list[dict[str, Any]]

    @property
    def data_calls(self) -> list[dict[str, Any]]:
        return [call for call in self.calls if call["path"].endswith("/donnees_consos_informatives")]


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

    def run_named(self, dag_id: str, conf: Mapping[str, Any], env: Mapping[str, str] | None = None) -> Run:
        """Run a DAG with the values of its form."""
        before, start = self._world.control.log(), self.log.stat().st_size
        answer = self.ask("run_named", env, dag_id=dag_id, conf=conf)
        with self.log.open("rb") as log:
            log.seek(start)
            output = log.read().decode("utf-8", errors="replace")
        calls = self._world.control.log(before[-1]["n"] if before else 0)
        return Run(answer["state"], answer["tasks"], output, calls)

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
