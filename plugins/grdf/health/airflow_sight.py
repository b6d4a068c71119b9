"""What Airflow shows of the accounts' DAGs: all of them by its REST API if a connection is set, else a few by a task.

A task may ask Airflow about one DAG at a time. For thousands of accounts that would be thousands of requests, so that
without a connection only accounts that are suspicious anyway are looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Protocol

from grdf.hooks.airflow_api import AirflowApiHook
from include.gas.documents.gas_days import DAG_PREFIX, dag_id
from include.gas.errors import BadSettings
from include.gas.health.sights import MISSING, PAUSED, STALE, Sight, unread

PAGE = 100
"""The largest page that Airflow returns by default (``[api] maximum_page_limit``)."""
MOST_PAGES = 2000
"""Pages of one list at most: 200,000 entries."""
FEW = 50
"""Accounts that a task asks about, one by one."""
DAYS = 2
"""How many days back a run must have read an account. One morning may be missed for reasons that pass."""
NOT_SEEN = (
    "Which accounts' DAGs are missing or paused, and whose runs are all skipped, was seen only of accounts that are "
    "late or new ({looked} of {of}): [grdf] airflow_conn_id is not set."
)


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
    dags = {
        str(dag["dag_id"]): dag
        for dag in _all(api, "/dags", "dags", tags="account", exclude_stale="false", order_by="dag_id")
    }
    since = (now - timedelta(days=DAYS)).isoformat()
    path = "/dags/~/dagRuns/~/taskInstances"
    filters = {"task_id": "load", "state": "success", "end_date_gte": since, "dag_id_prefix_pattern": DAG_PREFIX}
    read = {str(task["dag_id"]) for task in _all(api, path, "task_instances", order_by="id", **filters)}
    return {account: _sight(dags.get(dag_id(account)), dag_id(account) in read) for account in accounts}


def _sight(dag: Mapping[str, Any] | None, read: bool) -> Sight:
    if dag is None:
        return MISSING
    if dag.get("is_stale"):
        return STALE
    if dag.get("is_paused"):
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


def _all(api: AirflowApiHook, path: str, what: str, **query: str) -> Iterator[dict[str, Any]]:
    seen = 0
    for _ in range(MOST_PAGES):
        rows, total = _read(api, path, what, api.get(path, limit=str(PAGE), offset=str(seen), **query))
        yield from rows
        seen += len(rows)
        if not rows or seen >= total:
            return


def _read(api: AirflowApiHook, path: str, what: str, page: Mapping[str, Any]) -> tuple[list[dict[str, Any]], int]:
    """Return the entries of a page of a list, and how many entries the whole list has.

    :raises BadSettings: if it is no such page
    """
    rows, total = page.get(what), page.get("total_entries")
    if type(total) is int and isinstance(rows, list) and all(map(_is_of_dag, rows)):
        return rows, total
    raise BadSettings.about(
        None,
        f"the server at the address of the connection {api.airflow_conn_id} does not answer {path} like the API of "
        "Airflow 3.3",
        "Set it to the address at which the API server of this Airflow answers, without a path of the UI.",
    )


def _is_of_dag(row: object) -> bool:
    return isinstance(row, dict) and isinstance(row.get("dag_id"), str)
