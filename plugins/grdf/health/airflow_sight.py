"""What Airflow shows of the accounts' DAGs: all of them by its REST API if a connection is set, else a few by a task.

A task may ask Airflow about one DAG at a time. For thousands of accounts that would be thousands of requests, so that
without a connection only accounts that are suspicious anyway are looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Protocol

import msgspec

from grdf.hooks.airflow_api import AirflowApiHook
from include.gas.documents.gas_days import DAG_PREFIX, dag_id
from include.gas.health.sights import MISSING, PAUSED, STALE, Sight, unread

FEW = 50
"""Accounts that a task asks about, one by one."""
DAYS = 2
"""How many days back a run must have read an account. One morning may be missed for reasons that pass."""
NOT_SEEN = (
    "Which accounts' DAGs are missing or paused, and whose runs are all skipped, was seen only of accounts that are "
    "late or new ({looked} of {of}): [grdf] airflow_conn_id is not set."
)


class _Dag(msgspec.Struct):
    """What is read of a DAG, and of a task of one."""

    dag_id: str
    is_paused: bool = False
    is_stale: bool = False


class Asked(Protocol):
    """The part of a task's ``ti`` that asks Airflow."""

    def get_dag(self, dag_id: str) -> Any:
        """Return what Airflow knows of a DAG."""

    def get_dr_count(self, dag_id: str, *, states: list[str]) -> int:
        """Return how many runs a DAG has."""


def by_api(conn_id: str, accounts: Collection[str], now: datetime) -> Mapping[str, Sight]:
    """Return what Airflow's REST API shows of all accounts: some requests for each hundred of them.

    :param conn_id: connection of an Airflow user who may read DAGs and task instances
    :param now: an aware datetime, the present
    :raises GasError: if Airflow does not answer, or refuses the user, or what answers is not Airflow's API
    """
    api = AirflowApiHook(conn_id)
    # "account" is the tag of the accounts' DAGs. Paused ones are listed, those without a file only on request.
    listed = api.entries("/dags", "dags", _Dag, tags="account", exclude_stale="false", order_by="dag_id")
    dags: dict[str, _Dag] = {dag.dag_id: dag for dag in listed}
    since = (now - timedelta(days=DAYS)).isoformat()
    path = "/dags/~/dagRuns/~/taskInstances"
    filters: dict[str, Any] = {
        "task_id": "load",
        "state": "success",
        "end_date_gte": since,
        "dag_id_prefix_pattern": DAG_PREFIX,
    }
    read = {task.dag_id for task in api.entries(path, "task_instances", _Dag, order_by="id", **filters)}
    return {account: _sight(dags.get(dag_id(account)), dag_id(account) in read) for account in accounts}


def _sight(dag: _Dag | None, read: bool) -> Sight:
    if dag is None:
        return MISSING
    if dag.is_stale:
        return STALE
    if dag.is_paused:
        return PAUSED
    return Sight(had_runs=True) if read else unread(DAYS)


def by_task(ti: Asked, accounts: Collection[str]) -> Mapping[str, Sight]:
    """Return what Airflow tells a task of some accounts. What cannot be asked is left out.

    :param ti: the task's instance
    :param accounts: ids; at most :data:`FEW` are asked about
    """
    found: dict[str, Sight] = {}
    for account in list(accounts)[:FEW]:
        try:
            dag = ti.get_dag(dag_id(account))
            runs = ti.get_dr_count(dag_id(account), states=["success"])
        except Exception as error:  # noqa: BLE001 - the check goes on whatever cannot be seen
            if _status(error) == HTTPStatus.NOT_FOUND:
                found[account] = MISSING
            continue
        found[account] = PAUSED if dag.is_paused else Sight(had_runs=runs > 0)
    return found


def _status(error: Exception) -> int | None:
    """Return the HTTP status in an error of Airflow's: of its supervisor's, or of its client's in ``dag.test()``."""
    detail = getattr(getattr(error, "error", None), "detail", None)
    if isinstance(detail, Mapping):
        return detail.get("status_code")
    return getattr(getattr(error, "response", None), "status_code", None)
