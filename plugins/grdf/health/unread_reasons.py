"""Why accounts' DAGs do not read them, as Airflow shows it to a task; the doctor's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from http import HTTPStatus
from typing import Any

from grdf import settings
from include.gas.days.gas_day import ONE_DAY, gas_day_start
from include.gas.display.account_summary import AccountSummary
from include.gas.documents.day_documents import dag_id

DAYS = 2
"""Days within which an answer of GRDF must have been stored of an account: one morning may fail."""
MOST = 100
"""Accounts that a task asks Airflow about, two questions each. The others count as most of these."""
MISSING = "Airflow has no DAG for it"
STALE = "its DAG is gone from Airflow's list of DAGs"
PAUSED = "its DAG is paused"
FAILED = f"no answer of GRDF has been stored for {DAYS} days: its runs were skipped, failed, or did not start"


def find_unread_accounts(ti: Any, today: date, accounts: Sequence[AccountSummary]) -> Mapping[str, str]:
    """Return why accounts are not read, as far as Airflow tells a task.

    A run may be red and have stored what GRDF answered, as when it fails on a meter's newest days (2000100): that is
    GRDF's fault, and not ours.
    """
    # A run is about the day before it, or some days before.
    days = [gas_day_start(today - ONE_DAY * ago) for ago in range(DAYS + 1 + settings.publication_days.or_default())]
    found: dict[str, str] = {}
    for account in accounts[:MOST]:
        dag = dag_id(account.id)
        is_answered = account.was_answered_since(today - ONE_DAY * DAYS, today)
        try:
            if ti.get_dag(dag).is_paused:
                found[account.id] = PAUSED
            elif not is_answered and not ti.get_ti_count(
                dag, task_ids=["load"], logical_dates=days, states=["success"]
            ):
                found[account.id] = FAILED
        except Exception as error:  # noqa: BLE001 - the check goes on whatever cannot be seen
            if _status(error) == HTTPStatus.NOT_FOUND:
                found[account.id] = MISSING
    if len(found) * 2 > MOST:
        found |= {account.id: "as most of the others" for account in accounts[MOST:]}
    return found


def _status(error: Exception) -> int | None:
    """Return the HTTP status in an error of Airflow's supervisor, or of its client in ``dag.test()``."""
    detail = getattr(getattr(error, "error", None), "detail", None)
    if isinstance(detail, Mapping):
        return detail.get("status_code")
    return getattr(getattr(error, "response", None), "status_code", None)
