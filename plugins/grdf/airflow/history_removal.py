"""Removes what Airflow remembers of an account, as far as its API allows."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.sdk import conf

from grdf import settings
from include.gas.documents.day_documents import dag_id

if TYPE_CHECKING:
    from grdf.hooks.airflow_api import AirflowApiHook

DELETION, HISTORY, WAITING = "grdf_delete_account", "grdf_history", "grdf_waiting_rights"
SHARED = (
    DELETION, HISTORY, "grdf_adopt_konnector", "grdf_consents", "grdf_published", "grdf_send_proof", WAITING,
    "grdf_import_accounts", "grdf_adopt_rights", "grdf_health", "grdf_export_account",
)  # fmt: skip
"""DAGs for any account. A run that names the account is removed, even if it names others: Airflow cannot edit it."""

KEPT = {
    "asset_event.extra, asset_event.source_dag_id": "how many days had changed and when, which Airflow's API cannot "
    "remove: until `airflow db clean --tables asset_event --skip-archive`",
    "log.dag_id, log.extra": "who did what, which Airflow's API cannot remove: until `airflow db clean --tables log "
    "--skip-archive`",
    "dag_run.conf, rendered_task_instance_fields.rendered_fields, rtif.rendered_fields, xcom.value, xcom_v2.value, "
    "hitl_detail.body, hitl_detail.subject, task_instance.rendered_map_index": "this run, those that had not ended, "
    "and those of other people's DAGs: until you remove them, or `airflow db clean` does",
    "ab_view_menu.name": "the names of the permissions on its DAG, with the FAB auth manager: until an administrator "
    "removes them under Security",
    "log lines": "with its id, of this run, of runs that name no account, and of other machines: until you remove them",
}
"""What Airflow keeps of a deleted account, and why, by database column (docs/leaving.md)."""
WITHOUT_API = {"everything": "[grdf] airflow_conn_id is not set: until `airflow dags delete` and `airflow db clean`"}


def remove_history(account: str, *, this_run: str) -> dict[str, Any]:
    """Remove an account's DAG, and our runs that name it, with the task logs on this machine. It may be repeated.

    :return: for the record: the runs that stay because they have not ended, and what is kept
    :raises BadSettings: if Airflow refuses the user
    :raises ServiceUnavailable: if Airflow does not answer
    """
    from grdf.hooks.airflow_api import AirflowApiHook

    conn_id = settings.airflow_conn_id()
    if not conn_id:
        return {"kept": WITHOUT_API}
    api, stay, own = AirflowApiHook(conn_id), [], dag_id(account)
    runs = list(_runs(api, account))
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
    return {"not_ended": sorted(stay), "kept": KEPT}


def names_account(conf: object, account: str) -> bool:
    """Return whether a run's configuration, any JSON value, names an account."""
    values = conf.values() if isinstance(conf, Mapping) else ()
    each = (text for value in values for text in (value if isinstance(value, list) else [value]))
    return account in (text.strip() for text in each if isinstance(text, str))


def _runs(api: AirflowApiHook, account: str) -> Iterator[dict[str, Any]]:
    """Yield the runs that name an account in their form, and those for all accounts that acted on it."""
    for run in api.listed("/dags/~/dagRuns", "dag_runs", conf_contains=account):
        if names_account(run.get("conf"), account):
            yield run
    for run in api.listed(f"/dags/{HISTORY}/dagRuns", "dag_runs"):
        form = run.get("conf") or {}
        if not form.get("accounts") and not names_account(form, account) and _planned(api, run["dag_run_id"], account):
            yield run
    # Those that started the account's DAG after its holder's answer.
    for task in api.listed(f"/dags/{WAITING}/dagRuns/~/taskInstances", "task_instances", state="success"):
        if (task.get("rendered_fields") or {}).get("trigger_dag_id") == dag_id(account):
            yield api.get(f"/dags/{WAITING}/dagRuns/{quote(task['dag_run_id'], safe='')}")


def _planned(api: AirflowApiHook, run: str, account: str) -> bool:
    path = f"/dags/{HISTORY}/dagRuns/{quote(run, safe='')}/taskInstances/plan/xcomEntries/return_value"
    planned = api.get(path).get("value")
    return isinstance(planned, list) and account in planned


def _remove_logs(dag: str, run: str | None = None) -> None:
    folder = Path(conf.get("logging", "base_log_folder")) / f"dag_id={dag}"
    shutil.rmtree(folder / f"run_id={run}" if run else folder, ignore_errors=True)
