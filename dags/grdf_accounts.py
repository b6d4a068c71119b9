"""The DAGs of all accounts without the bundle (``grdf.airflow.bundle``): good for some hundred."""

from __future__ import annotations

from grdf.account_dag import account_dags
from grdf.airflow.account_list import has_bundle, known_accounts

if not has_bundle():
    globals().update(account_dags(known_accounts))
