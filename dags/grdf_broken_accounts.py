"""Makes accounts that cannot have a DAG visible: Airflow shows what this file raises as an import error.

It builds no DAG, so a broken account never takes down the DAGs of others.
"""

from __future__ import annotations

from airflow.sdk import get_parsing_context

from grdf.airflow.account_list import known_accounts, what_is_wrong

if get_parsing_context().dag_id is None and (wrong := what_is_wrong(known_accounts())):
    raise ValueError(wrong)
