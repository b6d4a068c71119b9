"""Why accounts' DAGs do not read them, as Airflow shows it to a task; the doctor's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from http import HTTPStatus
from typing import Any

from grdf import settings
from include.gas.days.gas_day import ONE_DAY, gas_day_start
from include.gas.documents.day_documents import dag_id

DAYS = 2
"""Days within which a run must have read an account: one morning may fail."""
MOST = 100
"""Accounts that a task asks Airflow about, two questions each. The others count as most of these."""
MISSING = "Airflow has no DAG for it"
STALE = "its DAG is gone from Airflow's list of DAGs"
PAUSED = "its DAG is paused"
FAILED = f"no run has read it for {DAYS} days: they were skipped, failed, or did not start"


def find_unread_accounts(ti: Any, today: date, accounts: Sequence[str]) -> Mapping[str, str]:
    """Return why accounts are not read, as far as Airflow tells a task."""
    # A run is about the day before it, or some days before.
    days = [gas_day_start(today - ONE_DAY * ago) for ago in range(DAYS + 1 + settings.publication_days.or_default())]
    found: dict[str, str] = {}
    for account in accounts[:MOST]:
        dag = dag_id(account)
        try:
            if ti.get_dag(dag).is_paused:
                found[account] = PAUSED
            elif not ti.get_ti_count(dag, task_ids=["load"], logical_dates=days, states=["success"]):
                found[account] = FAILED
        except Exception as error:  # noqa: BLE001 - the check goes on whatever cannot be seen
            if _status(error) == HTTPStatus.NOT_FOUND:
                found[account] = MISSING
    if len(found) * 2 > MOST:
        found |= dict.fromkeys(accounts[MOST:], "as most of the others")
    return found


def _status(error: Exception) -> int | None:
    """Return the HTTP status in an error of Airflow's supervisor, or of its client in ``dag.test()``."""
    detail = getattr(getattr(error, "error", None), "detail", None)
    if isinstance(detail, Mapping):
        return detail.get("status_code")
    return getattr(getattr(error, "response", None), "status_code", None)
