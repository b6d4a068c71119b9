"""The fleet benchmark's curves, from the samples of each minute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.plots import Chart, Points

TASKS_A_RUN = 4


def charts(samples: Sequence[Mapping[str, str]]) -> list[Chart]:
    names = dict.fromkeys(row["component"] for row in samples)
    memory = {name: _points(samples, name, "pss") for name in names}
    ended = [(minute, tasks / TASKS_A_RUN) for minute, tasks in _points(samples, next(iter(names)), "tasks")]
    floor = [(minute, 60 * minute) for minute, _ in ended]
    return [
        Chart(
            "fleet-pass", "A daily pass", "minutes", "runs' worth of tasks", {"ended": ended, "1 a second": floor}, True
        ),
        Chart("fleet-memory", "Memory of Airflow and what it uses", "minutes", "MiB (pss)", memory, True),
    ]


def _points(samples: Sequence[Mapping[str, str]], component: str, what: str) -> Points:
    return [(float(row["minute"]), float(row[what])) for row in samples if row["component"] == component]
