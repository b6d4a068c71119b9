"""Once a month for each account: what GRDF published and billed, its meters' contracts, and whether they give days."""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.sdk import DAG, CronTriggerTimetable

from grdf import settings
from grdf.operators.read_published import ReadPublishedOperator
from grdf.time_limits import FLEET

DOC = """
Reads the published periods of each account's meters (five years at first), their contract and their reading frequency.
Each account has a day of the month of its own; a new one is read on the next run.

The periods are kept in `com.grandlyon.grdf.published` and compared with the stored days: what differs by more than
rounding is listed on the account (`published`) and in the log, and nothing is changed. A meter that cannot give daily
data is named on its account (`meter_facts`).

Started by hand it reads what is due, or, with `{"accounts": ["ID"]}` as its configuration, those accounts at once. Red:
GRDF did not answer for some accounts; all others are read, and those are asked for again by the next run.
"""

with DAG(
    "grdf_published",
    # After the morning's daily runs, which come first in GRDF's quota and bring the days to compare with.
    schedule=CronTriggerTimetable("0 13 * * *", timezone="Europe/Paris"),
    start_date=pendulum.datetime(2020, 1, 1, tz="Europe/Paris"),
    catchup=False,
    allowed_run_types=["scheduled", "manual"],  # what a backfill names nobody checks: see grdf.page.askers
    max_active_runs=1,
    is_paused_upon_creation=False,
    default_args={
        "owner": "grdf",
        "retries": settings.retries(),
        "retry_delay": timedelta(seconds=settings.retry_seconds()),
        "execution_timeout": FLEET,  # up to three calls for each meter of all accounts that are due
    },
    tags=["grdf", "published"],
    doc_md=DOC,
):
    ReadPublishedOperator(task_id="read_published", pool=settings.pool(), priority_weight=0, weight_rule="absolute")
