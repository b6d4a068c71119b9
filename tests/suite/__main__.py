"""Run all tests in groups, two more at once than there are cores; or, with arguments, one pytest with these.

With ``--cov`` the tests' coverage of ``include/`` and ``plugins/`` is measured and printed at the end.

A group that passed is one line; of one that did not, everything that pytest said is printed. Exit code 0 when all
passed, 1 when tests failed, otherwise pytest's.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from include.sandbox.processes import Child, Processes
from tests.suite.coverage import Coverage
from tests.suite.groups import Group, groups, named
from tests.suite.outcome import VARIABLE, Outcome

ROOT = Path(__file__).resolve().parents[2]
COV = "--cov"
PYTEST = ("-m", "pytest", "-p", "tests.suite.outcome")


@dataclass
class Running:
    """A group under way."""

    group: Group
    child: Child
    outcome: Path
    began: float


class Suite:
    """The groups that are still to run, and what came of those that have.

    :param root: the project, or what stands for it in a test
    :param at_once: how many groups run at a time
    :param python: Python's arguments that start pytest
    :param env: environment on top of this process's
    """

    def __init__(
        self, root: Path, at_once: int, *, python: Sequence[str] = PYTEST, env: Mapping[str, str] | None = None
    ) -> None:
        self.root = root
        self.at_once = at_once
        self.python = python
        self.env = dict(env or {})
        self.total = Outcome()
        self.failed: list[Group] = []

    def run(self) -> int:
        """Run everything; return the exit code."""
        waiting = groups(self.root)
        say(f"{len(waiting)} groups of tests, {self.at_once} at a time; each is told when it has ended")
        began, running = time.monotonic(), list[Running]()
        with tempfile.TemporaryDirectory(prefix="grdf-suite-") as folder, Processes() as processes:
            while waiting or running:
                while len(running) < self.at_once and (group := _next(waiting, running)):
                    waiting.remove(group)
                    running.append(self._start(processes, Path(folder), group))
                ended = [each for each in running if not each.child.alive()]
                for each in ended:
                    running.remove(each)
                    self._tell(each)
                if not ended:
                    time.sleep(0.1)
        say(f"{time.monotonic() - began:.0f} s: {self.total.line()}")
        if self.failed:
            say(f"tests failed in: {named(self.failed)}")
        return 1 if self.failed else 0

    def _start(self, processes: Processes, folder: Path, group: Group) -> Running:
        place = folder / group.name.replace("/", "-")
        outcome = place.with_suffix(".json")
        child = processes.start(
            group.name,
            [sys.executable, *self.python, "-q", *group.paths],
            log=place.with_suffix(".log"),
            env=self.env | {VARIABLE: str(outcome)},
            cwd=self.root,
        )
        return Running(group, child, outcome, time.monotonic())

    def _tell(self, ended: Running) -> None:
        outcome, code = Outcome.read(ended.outcome), ended.child.stop()
        self.total += outcome or Outcome()
        seconds = time.monotonic() - ended.began
        if code == 0 and outcome:
            skipped = f", {outcome.counts['skipped']} skipped" if outcome.counts["skipped"] else ""
            print(f"{ended.group.name:<36} {seconds:5.0f} s  {outcome.counts['passed']} passed{skipped}", flush=True)
            return
        self.failed.append(ended.group)
        print(f"{ended.group.name:<36} {seconds:5.0f} s  FAILED, exit code {code}", flush=True)
        print(ended.child.output(), flush=True)


def _next(waiting: Sequence[Group], running: Sequence[Running]) -> Group | None:
    """Return the group to start now: the first, but no second one that is busy while another may start."""
    one_is_busy = any(each.group.busy for each in running)
    calm = [group for group in waiting if not (one_is_busy and group.busy)]
    return next(iter(calm or waiting), None)


def say(text: str) -> None:
    """Print a line of the command's own."""
    print(f"grdf: {text}", flush=True)


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def main(arguments: Sequence[str]) -> int:
    """Run what the command line asks for."""
    wanted = [each for each in arguments if each != COV]
    if COV not in arguments:
        if wanted:
            os.execv(sys.executable, [sys.executable, *PYTEST, *wanted])
        return Suite(ROOT, at_once()).run()
    coverage = Coverage(ROOT)
    python = (*coverage.start(), *PYTEST)
    if wanted:
        code = subprocess.call([sys.executable, *python, *wanted])
    else:
        code = Suite(ROOT, at_once(), python=python).run()
    say(coverage.report())
    return code


def at_once() -> int:
    """Return how many groups run at a time: ``GRDF_TEST_AT_ONCE``, or two more than there are cores.

    A group waits for a third of its time, for a scheduler or a quota: with one more than there are cores, two cores are
    busy for 90 % of the time, with two more for 97 %.
    """
    return int(os.environ.get("GRDF_TEST_AT_ONCE") or cores() + 2)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
