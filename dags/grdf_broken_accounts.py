"""Reports accounts that cannot have a DAG: Airflow shows the exception raised here as an import error.

This file defines no DAG, so a broken account never affects the DAGs of other accounts.
"""

from __future__ import annotations

from airflow.sdk import get_parsing_context

from grdf.airflow.account_list import known_accounts, what_is_wrong

if get_parsing_context().dag_id is None and (wrong := what_is_wrong(known_accounts())):
    raise ValueError(wrong)
