"""One Airflow DAG for each connected account in this file's share of the accounts, built by ``grdf.account_dag``."""

from __future__ import annotations

from grdf.account_dag import account_dags

globals().update(account_dags(8))
