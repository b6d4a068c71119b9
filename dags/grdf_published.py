"""The DAG that reads published periods, contracts and reading frequencies, once a month for each account."""

from __future__ import annotations

from airflow.sdk import DAG

from grdf.airflow.tasks.defaults import for_all_accounts, in_paris, task_defaults
from grdf.airflow.tasks.time_limits import FLEET
from grdf.operators.read_published import ReadPublishedOperator

DOC = """
Reads the published periods of each account's meters (five years in one call), their contract and their reading
frequency. Each account has its own day of the month; a new account is read by the next run.

The periods are stored in `com.grandlyon.grdf.published` and compared with the stored days. Differences beyond rounding
are listed on the account (`published`) and in the log; nothing is changed. A meter that cannot give daily data is named
on its account (`meter_facts`).

Started by hand it reads the accounts that are due or, with the configuration `{"accounts": ["ID"]}`, those accounts at
once. If it fails, GRDF did not answer for some accounts: all others are read, and the next run
asks for these again.
"""

with DAG(
    "grdf_published",
    # After the morning's daily runs, which have priority in GRDF's quota and store the days to compare with.
    schedule=in_paris("0 13 * * *"),
    **for_all_accounts("published"),
    default_args=task_defaults(FLEET),  # up to three calls for every meter of the accounts that are due
    doc_md=DOC,
):
    ReadPublishedOperator(task_id="read_published", priority_weight=0)
