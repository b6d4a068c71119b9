"""Whether the memory of a fleet's processes grows in a long run."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.fleet_processes import SIZES
from benchmarks.report import Report, Target

WARM_UP = 0.25
"""Share of the run after which memory should stop growing."""
LIMIT_GROWTH = 5.0
"""Percentage of growth allowed from the second to the last quarter."""
SHORTEST = 30
"""Minutes of a run below which growth means nothing."""


def read(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def judge(report: Report, samples: Sequence[Mapping[str, str]]) -> None:
    minutes = max(float(row["minute"]) for row in samples)
    last = samples[-1]
    report.facts |= {"minutes": round(minutes), "runs": last["runs"], "tasks": last["tasks"]}
    rows = []
    for name in dict.fromkeys(row["component"] for row in samples):
        own = [row for row in samples if row["component"] == name]
        row: dict[str, object] = {"component": name}
        for kind in SIZES:
            early, late = (_mean(own, kind, minutes, quarter) for quarter in (1, 3))
            if not early or late is None:
                break
            growth = 100 * (late - early) / early
            row |= {f"{kind}, 2nd quarter": early, f"{kind}, last": late, f"{kind} growth %": growth}
            if minutes >= SHORTEST:
                report.targets.append(Target(f"growth of {name} ({kind}), %", growth, LIMIT_GROWTH))
        else:
            rows.append(row)
    if rows:
        report.tables["Memory by component, MiB, all its processes together (means of a quarter of the run)"] = rows
    report.remarks.append(
        "rss counts shared pages in each process; pss shares them out, and grows where forks part from their parent's "
        "pages by writing to them, up to rss. anon is the part of pss that belongs to no file and was not made to be "
        "shared: PostgreSQL's buffers, which fill up to their size, are not in it."
    )


def _mean(rows: Sequence[Mapping[str, str]], kind: str, minutes: float, quarter: int) -> float | None:
    first, end = quarter * WARM_UP * minutes, (quarter + 1) * WARM_UP * minutes
    sizes = [float(row[kind]) for row in rows if first <= float(row["minute"]) <= end]
    return sum(sizes) / len(sizes) if sizes else None
