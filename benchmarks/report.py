"""The report of a benchmark: tables of medians, targets and remarks, as text and as JSON."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import Any

Row = dict[str, Any]


def machine() -> dict[str, Any]:
    """Return what the figures depend on."""
    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load average": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.machine()}",
        "python": f"{platform.python_version()} ({sys.executable})",
        "airflow": version("apache-airflow"),
    }


@dataclass(frozen=True)
class Target:
    """A figure and its highest good value."""

    what: str
    value: float
    limit: float

    @property
    def met(self) -> bool:
        return self.value <= self.limit


@dataclass
class Report:
    """One benchmark's outcome; ``wrong`` is what was stored incorrectly."""

    name: str
    facts: Row = field(default_factory=dict)
    tables: dict[str, list[Row]] = field(default_factory=dict)
    targets: list[Target] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def text(self) -> str:
        parts = [f"== {self.name}: " + ", ".join(f"{name} {value}" for name, value in self.facts.items())]
        parts += [f"{title}\n{table(rows)}" for title, rows in self.tables.items()]
        parts += ["\n".join(f"- {remark}" for remark in self.remarks)] if self.remarks else []
        lines = [
            f"{'met   ' if each.met else 'MISSED'} {each.what}: {cell(each.value)} (target: at most {cell(each.limit)})"
            for each in self.targets
        ]
        lines += [f"WRONG  {each}" for each in self.wrong]
        return "\n\n".join([*parts, "\n".join(lines)])

    def data(self) -> Row:
        targets = [asdict(target) | {"met": target.met} for target in self.targets]
        return {
            "facts": self.facts,
            "tables": self.tables,
            "targets": targets,
            "remarks": self.remarks,
            "wrong": self.wrong,
        }


def table(rows: list[Row]) -> str:
    lines = [list(rows[0]), *([cell(value) for value in row.values()] for row in rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(lines[0]))]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "  " + "  ".join(text.rjust(widths[at]) if at else text.ljust(widths[at]) for at, text in enumerate(line))
        for line in lines
    )


def cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
    return str(value)
