"""What Airflow shows of the accounts' DAGs, by whichever way is open here: its database, its REST API, or its task.

The API server, where the doctor runs, has the database. A task has not: it sees all accounts by the API if a connection
is set. Otherwise it may ask about one DAG at a time, which for thousands of accounts would be thousands of requests, so
that only those that are suspicious anyway are looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from grdf.health.airflow_tables import Rows, moment
from grdf.hooks.airflow_api import AirflowApiHook
from include.gas.documents.gas_days import DAG_PREFIX, dag_id
from include.gas.health.sights import DAYS, MISSING, PAUSED, STALE, Sight, unread

FEW = 50
"""Accounts that a task asks about, one by one."""
NOT_SEEN = (
    "Which accounts' DAGs are missing or paused, and whose runs are all skipped, was seen only of accounts that are "
    "late or new ({looked} of {of}): [grdf] airflow_conn_id is not set."
)


def by_database(rows: Rows, accounts: Collection[str], now: datetime) -> Mapping[str, Sight]:
    """Return what Airflow's database shows of all accounts.

    A DAG of yesterday has had no run yet, however old its account is: it was adopted, or this Airflow is new. If all
    its runs failed, that is said at once where no other account's succeed.

    :param rows: see :mod:`grdf.health.airflow_tables`
    :param now: an aware datetime, the present
    """
    dags = {str(name): (bool(paused), bool(stale)) for name, paused, stale in rows["dags"]}
    came = {str(name): moment(when) for name, when in rows["came"]}
    runs = {str(name): (bool(succeeded), bool(waits)) for name, succeeded, waits in rows["runs"]}
    read, works = {str(name) for (name,) in rows["read"]}, any(succeeded for succeeded, _ in runs.values())

    def runs_of(dag: str) -> Sight:
        succeeded, waits = runs.get(dag, (False, False))
        if dag in runs and not (works or waits):
            return Sight("none of its runs has succeeded, nor one of any other account")
        if (since := came.get(dag)) and now - since < timedelta(days=DAYS):
            return Sight(had_runs=succeeded)
        return unread("they wait" if waits else "they failed or were skipped" if dag in runs else "it never had any")

    return {
        account: _sight(dags.get(dag), dag in read, runs_of(dag)) for account in accounts if (dag := dag_id(account))
    }


def by_api(conn_id: str, accounts: Collection[str], now: datetime) -> Mapping[str, Sight]:
    """Return what Airflow's REST API shows of all accounts: some requests for each hundred of them.

    :param conn_id: connection of an Airflow user who may read DAGs and task instances
    :param now: an aware datetime, the present
    :raises GasError: if Airflow does not answer, or refuses the user, or what answers is not Airflow's API
    """
    api = AirflowApiHook(conn_id)
    # "account" is the tag of the accounts' DAGs. Paused ones are listed, those without a file only on request.
    listed = api.listed("/dags", "dags", tags="account", exclude_stale="false", order_by="dag_id")
    dags = {row.get("dag_id"): (bool(row.get("is_paused")), bool(row.get("is_stale"))) for row in listed}
    since = (now - timedelta(days=DAYS)).isoformat()
    filters = {"task_id": "load", "state": "success", "end_date_gte": since, "dag_id_prefix_pattern": DAG_PREFIX}
    loads = api.listed("/dags/~/dagRuns/~/taskInstances", "task_instances", order_by="id", **filters)
    read = {row.get("dag_id") for row in loads}
    return {account: _sight(dags.get(dag), dag in read, unread()) for account in accounts if (dag := dag_id(account))}


def by_task(ti: Any, accounts: Sequence[str]) -> Mapping[str, Sight]:
    """Return what Airflow tells a task of some accounts. What cannot be asked is left out.

    :param ti: the task's instance, which asks Airflow about one DAG at a time
    :param accounts: ids; at most :data:`FEW` are asked about
    """
    found: dict[str, Sight] = {}
    for account in accounts[:FEW]:
        try:
            dag = ti.get_dag(dag_id(account))
            runs = ti.get_dr_count(dag_id(account), states=["success"])
        except Exception as error:  # noqa: BLE001 - the check goes on whatever cannot be seen
            if _status(error) == HTTPStatus.NOT_FOUND:
                found[account] = MISSING
            continue
        found[account] = PAUSED if dag.is_paused else Sight(had_runs=runs > 0)
    return found


def _sight(dag: tuple[bool, bool] | None, read: bool, unread: Sight) -> Sight:
    """Return what is seen of a DAG.

    :param dag: whether it is paused, and stale; ``None`` if there is none
    :param read: whether a load of it has succeeded lately
    :param unread: what is seen if not
    """
    if dag is None:
        return MISSING
    is_paused, is_stale = dag
    return STALE if is_stale else PAUSED if is_paused else Sight(had_runs=True) if read else unread


def _status(error: Exception) -> int | None:
    """Return the HTTP status in an error of Airflow's: of its supervisor's, or of its client's in ``dag.test()``."""
    detail = getattr(getattr(error, "error", None), "detail", None)
    if isinstance(detail, Mapping):
        return detail.get("status_code")
    return getattr(getattr(error, "response", None), "status_code", None)
