"""Run the tests: ``./grdf test``."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from include.sandbox.processes import Child, Processes
from tests.suite.coverage import Coverage
from tests.suite.outcome import Outcome

ROOT = Path(__file__).resolve().parents[2]
ALL, COV = "--all", "--cov"
PYTEST = ("-m", "pytest")


@dataclass(frozen=True)
class Level:
    name: str
    folders: tuple[str, ...] = ()
    marks: str = ""
    only_all: bool = False


LEVELS = (
    Level("stack", ("promises",), "stack"),
    Level("servers"),
    Level("towns", ("model", "promises"), "not stack"),
    Level("pure", ("gas",)),
    Level("compose", ("compose",), only_all=True),
    Level("browser", ("browser",), only_all=True),
    Level("machines", ("machines",), only_all=True),
    Level("demo", ("demo",), only_all=True),
)
"""All levels, those first that take longest. Towns replace the machine's clock, so they have a process of their own."""


@dataclass
class Running:
    level: Level
    child: Child
    outcome: Path
    began: float


def pytest_arguments(root: Path, level: Level) -> list[str]:
    found = {file.relative_to(root / "tests").parts[0] for file in (root / "tests").rglob("test_*.py")}
    named = {folder for each in LEVELS for folder in each.folders}
    folders = sorted(found & set(level.folders) if level.folders else found - named)
    return [f"tests/{folder}" for folder in folders] + (["-m", level.marks] if level.marks and folders else [])


class Suite:
    def __init__(self, root: Path, options: Sequence[str] = (), *, python: Sequence[str] = PYTEST) -> None:
        self.root = root
        self.options = options
        self.python = python
        self.total = Outcome()
        self.failed: list[str] = []

    def run(self, levels: Sequence[Level], at_once: int) -> int:
        waiting = [(level, found) for level in levels if (found := pytest_arguments(self.root, level))]
        say(f"{', '.join(level.name for level, _ in waiting)}: {at_once} at a time, each reported when it has ended")
        began, running = time.monotonic(), list[Running]()
        with tempfile.TemporaryDirectory(prefix="grdf-suite-") as folder, Processes() as processes:
            while waiting or running:
                while waiting and len(running) < at_once:
                    running.append(self._start(processes, Path(folder), *waiting.pop(0)))
                for each in [each for each in running if not each.child.alive()]:
                    running.remove(each)
                    self._report(each)
                time.sleep(0.1)
        say(f"{time.monotonic() - began:.0f} s: {self.total.line()}")
        if self.failed:
            say(f"tests failed in: {', '.join(self.failed)}")
        return 1 if self.failed else 0

    def _start(self, processes: Processes, folder: Path, level: Level, found: Sequence[str]) -> Running:
        outcome = folder / f"{level.name}.xml"
        child = processes.start(
            level.name,
            [sys.executable, *self.python, "-q", f"--junit-xml={outcome}", *found, *self.options],
            log=folder / f"{level.name}.log",
            cwd=self.root,
        )
        return Running(level, child, outcome, time.monotonic())

    def _report(self, ended: Running) -> None:
        outcome, code = Outcome.read(ended.outcome), ended.child.stop()
        self.total += outcome or Outcome()
        begin = f"{ended.level.name:<10} {time.monotonic() - ended.began:5.0f} s  "
        if code == 0 and outcome:
            skipped = f", {outcome.counts['skipped']} skipped" if outcome.counts["skipped"] else ""
            print(f"{begin}{outcome.counts['passed']} passed{skipped}", flush=True)
            return
        self.failed.append(ended.level.name)
        print(f"{begin}FAILED, exit code {code}\n{ended.child.output()}", flush=True)


def say(text: str) -> None:
    print(f"grdf: {text}", flush=True)


def main(arguments: Sequence[str]) -> int:
    wanted = [each for each in arguments if each not in (ALL, COV)]
    coverage = Coverage(ROOT) if COV in arguments else None
    python = (*coverage.start(), *PYTEST) if coverage else PYTEST
    if any(not each.startswith("-") for each in wanted):
        code = subprocess.call([sys.executable, *python, "-rs", *wanted])
    else:
        levels = [level for level in LEVELS if ALL in arguments or not level.only_all]
        at_once = len(os.sched_getaffinity(0)) + 1 if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        code = Suite(ROOT, wanted, python=python).run(levels, at_once)
    if coverage:
        say(coverage.report())
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
