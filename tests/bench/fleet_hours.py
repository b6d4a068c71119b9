"""A fleet at a gentle pace for hours: does the memory of any process grow?

One account's run is started every few seconds, as a person or a program would, round and round; the memory of each
component goes to a CSV file every minute. Each run reads GRDF and stores; at the end the store is verified.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import requests

from include.gas.documents import dag_id
from include.sandbox.processes import ProcessError
from tests.bench.fleet_asked import Asked
from tests.bench.fleet_setting import Running, running
from tests.bench.report import Report, Target
from tests.postgres import version

SAMPLE_SECONDS = 60.0
WARM_UP = 0.25
"""Share of the run after which memory should grow no more: by then each account has run, and caches are full."""
LIMIT_GROWTH = 5.0
"""Per cent that a component may be larger in the last quarter than in the second."""
FIELDS = ("minute", "runs", "tasks", "component", "pss", "rss")


def run(report: Report, home: Path, asked: Asked) -> None:
    """Measure.

    :param report: takes the outcome
    :param home: an empty folder
    :param asked: the command line
    """
    file = asked.csv or Path("fleet-memory.csv")
    with running(home, asked) as here:
        here.airflow.start(here.processes, "api-server", "dag-processor")
        here.airflow.await_dags(asked.accounts, 120 + asked.accounts)
        here.airflow.start(here.processes, "scheduler")
        here.say(f"A run is started every {asked.every:g} s for {asked.hours:g} hours; memory goes to {file}.")
        _drive(report, here, asked, file)
        report.wrong += here.airflow.errors()
        report.wrong += here.fleet.differences(here.world, here.airflow.last_days())[:10]
        report.targets = [Target("answers 429", sum(call["status"] == 429 for call in here.calls()), 0)]
    judge(report, read(file), f"{asked.accounts} accounts, a run every {asked.every:g} s, PostgreSQL {version()}")


def _drive(report: Report, here: Running, asked: Asked, file: Path) -> None:
    start = time.monotonic()
    end = start + (asked.hours or 1) * 3600
    next_run, next_sample, number = start + 60, start, 0
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, FIELDS)
        writer.writeheader()
        while (now := time.monotonic()) < end:
            if now >= next_sample:
                for row in _sample(here, (now - start) / 60):
                    writer.writerow(row)
                out.flush()
                next_sample += SAMPLE_SECONDS
            if now >= next_run and now < end - 60:
                member = here.fleet.members[number % asked.accounts]
                try:
                    here.airflow.stack.trigger(dag_id(member.id))
                except (ProcessError, requests.RequestException) as error:  # to be told, and no end of hours of work
                    report.wrong.append(f"minute {(now - start) / 60:.0f}: {error}")
                number += 1
                next_run += asked.every
            time.sleep(max(0.05, min(next_run, next_sample) - time.monotonic()))
    tasks = here.airflow.tasks()
    if bad := {state: count for state, count in tasks.items() if state != "success"}:
        report.wrong.append(f"tasks did not all succeed: {bad}, such as {here.airflow.unfinished()}")


def _sample(here: Running, minute: float) -> list[dict[str, object]]:
    sizes = here.memory()
    runs = sum(here.airflow.runs("manual").values()) + sum(here.airflow.runs("scheduled").values())
    tasks = here.airflow.tasks().get("success", 0)
    names = sorted({name.rpartition(" ")[0] for name in sizes})
    return [
        {
            "minute": round(minute, 1),
            "runs": runs,
            "tasks": tasks,
            "component": name,
            "pss": sizes[f"{name} pss"],
            "rss": sizes[f"{name} rss"],
        }
        for name in names
    ]


def read(file: Path) -> list[dict[str, str]]:
    """Read the samples of a long run, also of one that goes on."""
    with file.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def judge(report: Report, samples: Sequence[Mapping[str, str]], what: str) -> None:
    """Put what the samples say into the report.

    :param report: takes the outcome
    :param samples: rows of the CSV file
    :param what: the conditions, for the heading
    """
    minutes = max(float(row["minute"]) for row in samples)
    last = samples[-1]
    report.facts = {"run": what, "minutes": round(minutes), "runs": last["runs"], "tasks": last["tasks"]}
    rows = []
    for name in dict.fromkeys(row["component"] for row in samples):
        own = [row for row in samples if row["component"] == name]
        row: dict[str, object] = {"component": name}
        for kind in ("rss", "pss"):
            early, late = (_mean(own, kind, minutes, quarter) for quarter in (1, 3))
            if early is None or late is None:
                break
            growth = 100 * (late - early) / early
            row |= {f"{kind}, 2nd quarter": early, f"{kind}, last": late, f"{kind} growth %": growth}
            report.targets.append(Target(f"growth of {name} ({kind}), %", growth, LIMIT_GROWTH))
        else:
            rows.append(row)
    report.tables["Memory by component, MiB, all its processes together (means of a quarter of the run)"] = rows
    report.remarks.append(
        "rss counts shared pages in each process; pss shares them out, and grows where forks part from their parent's "
        "pages by writing to them, up to rss."
    )


def _mean(rows: Sequence[Mapping[str, str]], kind: str, minutes: float, quarter: int) -> float | None:
    """Give the mean size in one quarter of the run; the first one, in which all warms up, is number 0."""
    first, end = quarter * WARM_UP * minutes, (quarter + 1) * WARM_UP * minutes
    sizes = [float(row[kind]) for row in rows if first <= float(row["minute"]) <= end]
    return sum(sizes) / len(sizes) if sizes else None
