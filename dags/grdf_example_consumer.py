"""An example of a DAG that wakes when gas days have changed. Copy it and put your own task in place of its task.

It is paused until somebody switches it on.
"""

from __future__ import annotations

import logging

from airflow.sdk import DAG, task

from grdf.announcing import ASSETS, changes_behind
from grdf.time_limits import STORING
from include.gas.doctypes import DAY

DOC = """
An example to copy: it wakes when loads have changed gas days, and writes to its log whose and which.

Each event's `extra` says the account and how many days changed. `changes_behind` looks up which: the first and the last
of them, and up to 100 one by one; none when they are not known any more, since the load's run was cleared or the
household has left. Several loads may share a run, and Airflow may hand an event to the run after. Switch it on to see
it work; it changes nothing.
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
        """Write which accounts and days changed; a run may stand for the events of several loads."""
        log = logging.getLogger(__name__)
        events = list((triggering_asset_events or {}).get(ASSETS[DAY], []))
        for account, number, changes in changes_behind(context, events):
            days = f"from {changes.first} to {changes.last}" if changes else "which ones is not known any more"
            log.info("Account %s: %s gas days changed, %s.", account, number, days)
        return len(events)

    tell_what_changed()
