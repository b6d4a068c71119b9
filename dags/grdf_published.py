"""The monthly DAG that reads each meter's billing periods, contract and reading frequency."""

from __future__ import annotations

from airflow.sdk import DAG

from grdf.airflow.tasks.defaults import FLEET, fleet_dag_arguments, in_paris, task_defaults
from grdf.operators.read_published import ReadPublishedOperator

DOC = """
Reads the billing periods of each account's meters (five years in one call), their contract and how often GRDF reads
them: once in three to four weeks, and at once under a new right.

The periods are stored in `com.grandlyon.grdf.published`; those that lie outside the account's days are removed. The
account's page compares them with the stored days. The months and years of a meter without daily data are made of them.

Started by hand it reads the accounts that are due or, with the configuration `{"accounts": ["ID"]}`, those accounts at
once. If it fails, GRDF did not answer for some accounts: all others are read, and the next run
asks for these again.
"""

with DAG(
    "grdf_published",
    # After the morning's daily runs, which have priority in GRDF's quota and store the days to compare with.
    schedule=in_paris("0 13 * * *"),
    **fleet_dag_arguments("Gas: read billing periods and contracts (grdf_published)"),
    default_args=task_defaults(FLEET),  # up to three calls per meter of the accounts that are due
    doc_md=DOC,
):
    ReadPublishedOperator(task_id="read_published", priority_weight=0)
