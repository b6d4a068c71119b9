"""A fleet at a slow pace for hours, to see whether the memory of any process grows.

One account's run is started every few seconds, as a person or a program would do, in a cycle. The memory of each
component is written to a CSV file every minute. Each run reads from GRDF and stores. At the end, the store is verified.
"""

from __future__ import annotations

import time
from pathlib import Path

import requests

from include.gas.documents.gas_days import dag_id
from include.sandbox.processes import ProcessError
from tests.bench import fleet_memory
from tests.bench.fleet_asked import Asked
from tests.bench.fleet_setting import Running, running
from tests.bench.fleet_watch import Watch
from tests.bench.report import Report, Target
from tests.postgres import version


def run(report: Report, home: Path, asked: Asked) -> None:
    """Run the benchmark.

    :param report: the report to fill in
    :param home: an empty folder
    :param asked: the options from the command line
    """
    file = asked.csv or Path("fleet-memory.csv")
    with running(home, asked) as here:
        here.start_dags()
        here.airflow.start(here.processes, "scheduler")
        here.say(f"A run is started every {asked.every:g} s for {asked.hours:g} hours; memory goes to {file}.")
        watch = Watch(here, file)
        drive(report, here, asked.every, 3600 * (asked.hours or 1), watch)
        if files := watch.dag_files():
            report.tables["DAG files meanwhile"] = files
        report.wrong += here.airflow.errors()
        report.wrong += here.fleet.differences(here.world, here.airflow.last_days())[:10]
        report.targets = [Target("answers 429", sum(call["status"] == 429 for call in here.calls()), 0)]
    report.facts = {"accounts": asked.accounts, "a run every": f"{asked.every:g} s", "postgresql": version()}
    fleet_memory.judge(report, fleet_memory.read(file))


def drive(report: Report, here: Running, every: float, seconds: float, watch: Watch) -> None:
    """Start runs one after the other.

    :param report: the report, to which problems are added
    :param here: the running fleet
    :param every: seconds from one run to the next
    :param seconds: total duration; no runs are started in the first and the last minute
    :param watch: takes samples in the meantime
    """
    start = time.monotonic()
    end = start + seconds
    next_run, number = start + 60, 0
    while (now := time.monotonic()) < end:
        watch.look()
        if now >= next_run and now < end - 60:
            member = here.fleet.members[number % len(here.fleet.members)]
            try:
                here.airflow.stack.trigger(dag_id(member.id))
            except (ProcessError, requests.RequestException) as error:  # report it, but do not end hours of work
                report.wrong.append(f"minute {(now - start) / 60:.0f}: {error}")
            number += 1
            next_run += every
        time.sleep(max(0.05, min(1.0, next_run - time.monotonic())))
    tasks = here.airflow.tasks()
    if bad := {state: count for state, count in tasks.items() if state not in ("success", "removed")}:
        report.wrong.append(f"tasks did not all succeed: {bad}, such as {here.airflow.unfinished()}")
