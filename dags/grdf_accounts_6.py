"""One Airflow DAG for each connected account of this file's share; ``grdf.account_dag`` says which and how."""

from __future__ import annotations

from grdf.account_dag import account_dags

globals().update(account_dags(6))
