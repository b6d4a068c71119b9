"""A pytest plugin: count what passed and what was skipped for want of what, and say it in one line at the end."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

VARIABLE = "GRDF_TEST_OUTCOME"
PACKAGE = re.compile(r"apt-get install ((?:[a-z0-9][a-z0-9.+-]* ?)+)")


@dataclass
class Outcome:
    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(self.counts + other.counts, self.reasons + other.reasons)

    def write(self, file: Path) -> None:
        file.write_text(json.dumps([self.counts, self.reasons]), encoding="utf-8")

    @classmethod
    def read(cls, file: Path) -> Outcome | None:
        try:
            counts, reasons = json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return cls(Counter(counts), Counter(reasons))

    def line(self) -> str:
        words = [f"{self.counts[word]} {word}" for word in ("passed", "failed", "error", "xfailed", "xpassed")]
        parts = [", ".join(word for word in words if word.startswith("0 passed") or not word.startswith("0 "))]
        packages: Counter[str] = Counter()
        others: Counter[str] = Counter()
        for reason, number in self.reasons.items():
            wanted = " ".join(sorted({name for text in PACKAGE.findall(reason) for name in text.split()}))
            (packages if wanted else others)[wanted or reason] += number
        parts += [f"{number} skipped for want of {wanted}" for wanted, number in sorted(packages.items())]
        parts += [f"{number} skipped: {reason}" for reason, number in sorted(others.items())]
        if packages:
            names = sorted({name for wanted in packages for name in wanted.split()})
            parts.append(f"run 'apt-get install {' '.join(names)}' as root for the whole suite")
        return "; ".join(parts)


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    where = report.longrepr
    text = str(where[2]) if isinstance(where, tuple) else str(where)
    return text.removeprefix("Skipped: ")


class Counting:
    def __init__(self, file: str | None) -> None:
        self.outcome = Outcome()
        self.file = file

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if hasattr(report, "wasxfail"):
            if report.when == "call" or report.skipped:
                self.outcome.counts["xfailed" if report.skipped else "xpassed"] += 1
        elif report.skipped:
            self.outcome.counts["skipped"] += 1
            self.outcome.reasons[_reason(report)] += 1
        elif report.failed:
            self.outcome.counts["failed" if report.when == "call" else "error"] += 1
        elif report.when == "call":
            self.outcome.counts["passed"] += 1

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.outcome.counts["error"] += 1
        elif report.skipped:
            self.outcome.counts["skipped"] += 1
            self.outcome.reasons[_reason(report)] += 1

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        if config.getoption("collectonly", default=False):
            return
        if self.file is not None:
            self.outcome.write(Path(self.file))
        else:
            print(f"grdf: {self.outcome.line()}", flush=True)


def pytest_configure(config: pytest.Config) -> None:
    # Taken away, so that a pytest that a test starts does not write there, too.
    config.pluginmanager.register(Counting(os.environ.pop(VARIABLE, None)), "grdf-outcome")
