"""``./grdf bench quota-fleet``: is every account read every day, also with many meters?"""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

from benchmarks.fleet_simulation import Fleet, simulate
from benchmarks.report import Report, Target


def run(report: Report, home: Path, *, accounts: int | None) -> None:
    """Show a fleet at a tenth of its size and pace, or at another number of 2,150."""
    fleet = Fleet().part(max(1, round(2150 / (accounts or 215))))
    report.facts = asdict(fleet) | {"calls wanted": fleet.wanted}
    for hour in (14.0, 2.0):
        outcome = simulate(replace(fleet, import_hour=hour), home / f"{hour:.0f}")
        report.tables[f"An import from {hour:02.0f}:00 of day {fleet.import_day} on"] = outcome.rows()
        report.targets.append(Target(f"accounts not read on a day, import at {hour:.0f}", outcome.unread, 0))
        report.targets.append(Target(f"calls in any 24 hours, import at {hour:.0f}", outcome.most, fleet.per_day))
