"""Runs at a slow pace, to see whether any process's memory grows."""

from __future__ import annotations

import time

import requests

from benchmarks.fleet_setting import Running
from benchmarks.fleet_watch import Watch
from benchmarks.report import Report
from include.gas.documents.day_documents import dag_id
from include.sandbox.processes import ProcessError


def drive(report: Report, here: Running, every: float, seconds: float, watch: Watch) -> None:
    """Start runs one after the other, but none in the first and the last minute."""
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
