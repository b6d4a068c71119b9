"""An example of a DAG that runs when gas days have changed. Copy it and replace its task with your own.

The DAG is paused until somebody switches it on.
"""

from __future__ import annotations

import logging

from airflow.sdk import DAG, task

from grdf.airflow.announcing import ASSETS, changes_behind
from grdf.airflow.tasks.time_limits import STORING
from include.gas.documents.doctypes import DAY

DOC = """
An example to copy. It runs when loads have changed gas days, and logs which accounts and days changed.

Each event's `extra` has the account and how many days changed. `changes_behind` looks up which days: the first and the
last of them, and up to 100 individually. It finds none when they are no longer known because the load's run was cleared
or the household has left. Several loads may share a run, and Airflow may pass an event to the next run. Switch the DAG
on to see it work; it changes nothing.
"""

with DAG(
    "grdf_example_consumer",
    schedule=[ASSETS[DAY]],
    catchup=False,
    is_paused_upon_creation=True,
    default_args={"owner": "grdf", "execution_timeout": STORING},
    tags=["grdf", "example"],
    doc_md=DOC,
):

    @task
    def tell_what_changed(triggering_asset_events=None, **context) -> int:
        """Log which accounts and days have changed. One run may handle the events of several loads."""
        log = logging.getLogger(__name__)
        events = list((triggering_asset_events or {}).get(ASSETS[DAY], []))
        for account, number, changes in changes_behind(context, events):
            days = f"from {changes.first} to {changes.last}" if changes else "which ones is no longer known"
            log.info("Account %s: %s gas days changed, %s.", account, number, days)
        return len(events)

    tell_what_changed()
