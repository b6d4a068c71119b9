"""Samples of a running fleet: memory of each component, and parsing of DAG files."""

from __future__ import annotations

import csv
import time
from datetime import datetime
from pathlib import Path
from statistics import median

from benchmarks.fleet_processes import SIZES
from benchmarks.fleet_setting import Running
from benchmarks.report import Row

MEMORY_SECONDS = 60.0
FILES_SECONDS = 5.0
FIELDS = ("minute", "runs", "tasks", "component", *SIZES)


class Watch:
    """Takes samples of a running fleet, into a CSV file if given."""

    def __init__(self, here: Running, file: Path | None = None) -> None:
        self._here, self._file = here, file
        self._start = self._next_memory = self._next_files = time.monotonic()
        self._read_at: dict[str, datetime] = {}
        self._between: dict[str, list[float]] = {}
        self._took: dict[str, list[float]] = {}
        self._accounts: dict[str, int] = {}
        if file:
            with file.open("w", newline="", encoding="utf-8") as out:
                csv.DictWriter(out, FIELDS).writeheader()

    def look(self) -> None:
        now = time.monotonic()
        if self._file and now >= self._next_memory:
            self._next_memory += MEMORY_SECONDS
            with self._file.open("a", newline="", encoding="utf-8") as out:
                csv.DictWriter(out, FIELDS).writerows(self._memory((now - self._start) / 60))
        if now >= self._next_files:
            self._next_files = now + FILES_SECONDS
            self._dag_files()

    def dag_files(self) -> list[Row]:
        """Return duration and frequency of parsing for each DAG file parsed again."""
        return [
            {
                "DAG file": name,
                "accounts": self._accounts[name],
                "read again": len(times),
                "building s, median": median(self._took[name]),
                "most": max(self._took[name]),
                "between s, median": median(times),
                "longest": max(times),
            }
            for name, times in sorted(self._between.items())
        ]

    def _memory(self, minute: float) -> list[dict[str, object]]:
        sizes = self._here.memory()
        airflow = self._here.airflow
        runs = sum(sum(airflow.runs(kind).values()) for kind in ("manual", "scheduled"))
        row = {"minute": round(minute, 1), "runs": runs, "tasks": airflow.tasks().get("success", 0)}
        return [row | {"component": name} | sizes[name] for name in sorted(sizes)]

    def _dag_files(self) -> None:
        for name, accounts, at, seconds in self._here.airflow.dag_files():
            before = self._read_at.get(name)
            self._accounts[name] = accounts
            if before and at > before:
                self._between.setdefault(name, []).append((at - before).total_seconds())
                self._took.setdefault(name, []).append(seconds)
            self._read_at[name] = at
