"""What Airflow remembers of an account, removed as far as Airflow's API allows."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.sdk import conf

from include.gas.documents.gas_days import dag_id
from include.gas.leaving.airflow_memory import HISTORY, SHARED, WAITING, names

if TYPE_CHECKING:
    from grdf.hooks.airflow_api import AirflowApiHook


def remove_history(api: AirflowApiHook, account: str, *, this_run: str) -> list[str]:
    """Remove an account's DAG, and the runs of ours that name it, with the task logs on this machine.

    It may be repeated.

    :param this_run: id of the calling deletion, which stays
    :return: the runs that stay because they have not ended, each as DAG id and run id
    :raises BadSettings: if Airflow refuses the user
    :raises ServiceUnavailable: if Airflow does not answer
    """
    runs, stay = list(_runs(api, account)), []
    own = dag_id(account)
    api.delete(f"/dags/{own}")
    _remove_logs(own)
    for run in runs:
        dag, name = run["dag_id"], run["dag_run_id"]
        if dag not in SHARED or name == this_run:
            continue
        if run["state"] in ("success", "failed"):
            api.delete(f"/dags/{dag}/dagRuns/{quote(name, safe='')}")
            _remove_logs(dag, name)
        else:
            stay.append(f"{dag} {name}")
    return sorted(stay)


def _runs(api: AirflowApiHook, account: str) -> Iterator[dict[str, Any]]:
    """Yield the runs of any DAG that name an account in their form, and those for all accounts that acted on it."""
    for run in api.listed("/dags/~/dagRuns", "dag_runs", conf_contains=account):
        if names(run.get("conf"), account):
            yield run
    for run in api.listed(f"/dags/{HISTORY}/dagRuns", "dag_runs"):
        form = run.get("conf") or {}
        if not form.get("accounts") and not names(form, account) and _planned(api, run["dag_run_id"], account):
            yield run
    # Those that started the account's DAG once its holder had accepted.
    for task in api.listed(f"/dags/{WAITING}/dagRuns/~/taskInstances", "task_instances", state="success"):
        if (task.get("rendered_fields") or {}).get("trigger_dag_id") == dag_id(account):
            yield api.get(f"/dags/{WAITING}/dagRuns/{quote(task['dag_run_id'], safe='')}")


def _planned(api: AirflowApiHook, run: str, account: str) -> bool:
    """Return whether a re-read of all accounts included this account."""
    path = f"/dags/{HISTORY}/dagRuns/{quote(run, safe='')}/taskInstances/plan/xcomEntries/return_value"
    planned = api.get(path).get("value")
    return isinstance(planned, list) and account in planned


def _remove_logs(dag: str, run: str | None = None) -> None:
    folder = Path(conf.get("logging", "base_log_folder")) / f"dag_id={dag}"
    shutil.rmtree(folder / f"run_id={run}" if run else folder, ignore_errors=True)
