"""Whether the governor keeps GRDF's quota with several workers, and how close it gets.

Processes read one meter of each account; the sandbox enforces the quota and its log has the figures. In the usual way
each worker waits between its own calls.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.quota_calls import Outcome, calls
from benchmarks.report import Report, Row, Target
from include.sandbox.local_world import LocalWorld

ACCOUNTS, WORKERS, PER_SECOND = 100, 4, 1.0
LIMIT_RATIO = 1.15


def run(report: Report, home: Path, *, accounts: int | None) -> None:
    accounts = accounts or ACCOUNTS
    report.facts = {"accounts": accounts, "workers": WORKERS, "quota": f"{PER_SECOND:g} call a second"}
    with LocalWorld(home / "world", memory=True) as world:
        ours = calls(world, home / "ours", accounts, per_second=PER_SECOND)
        alone = calls(world, home / "alone", accounts, per_second=PER_SECOND, pause=1 / PER_SECOND)
    report.tables["Reading one meter of each account"] = [
        _row("with the governor", ours),
        _row("each worker waits by itself", alone),
    ]
    report.targets = [
        Target("answers 429 with the governor", ours.refused, 0),
        Target("time with the governor, of the quota's floor", ours.ratio, LIMIT_RATIO),
    ]
    report.wrong = ours.trouble


def _row(way: str, seen: Outcome) -> Row:
    return {
        "way": way,
        "calls": seen.calls,
        "answered 429": seen.refused,
        "seconds": seen.seconds,
        "quota's floor": seen.floor,
        "of floor": seen.ratio,
    }
