"""What Airflow stores about a household that has left: which runs go, and what stays and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DELETION, HISTORY, WAITING = "grdf_delete_account", "grdf_history", "grdf_waiting_rights"
SHARED = (
    DELETION, HISTORY, "grdf_adopt_konnector", "grdf_consents", "grdf_published", "grdf_send_proof", WAITING,
    "grdf_import_accounts", "grdf_adopt_rights", "grdf_health",
)  # fmt: skip
"""DAGs that work on any account. A run that names an account is removed with it, even if it names other accounts too:
Airflow cannot change the configuration of a run or the names of its mapped tasks. What the run stored is kept."""

_FORM = "dag_run.conf"
_RUN = [_FORM, "rendered_task_instance_fields.rendered_fields", "xcom.value"]
_CLEAN = "until you remove it there, or `airflow db clean` does"
REMOVED = (
    "its DAG and each run of others that named it, with its configuration, notes, tasks, XComs, rendered fields and "
    "approvals, and its task logs on the machine of the task that removed it"
)
KEPT: list[dict[str, Any]] = [
    {
        "what": "asset events: the account's id, how many days, months and years had changed and when, without the "
        "days; a scheduled run's name gives the gas day that it was about",
        "columns": ["asset_event.extra", "asset_event.source_dag_id"],
        "why": "Airflow's API cannot remove them: until `airflow db clean --tables asset_event --skip-archive`",
    },
    {
        "what": "Airflow's audit log: who started, changed or removed what for the account, and when",
        "columns": ["log.dag_id", "log.extra"],
        "why": "it is the proof of who did it, and Airflow's API cannot remove it: until `airflow db clean --tables "
        "log --skip-archive`",
    },
    {
        "what": "this run of grdf_delete_account, and runs of our DAGs that had not ended and name the account: forms, "
        "the approval, GRDF's ids of the consents, counts",
        "columns": [*_RUN, "hitl_detail.body", "hitl_detail.subject", "task_instance.rendered_map_index"],
        "why": f"Airflow removes no run that is at work or waits: {_CLEAN}",
    },
    {
        "what": "runs of other DAGs whose configuration names the account",
        "columns": [_FORM],
        "why": "they are not ours",
    },
    {
        "what": "the names of the permissions on its DAG, if Airflow's users are kept by FAB",
        "columns": ["ab_view_menu.name"],
        "why": "Airflow makes them and keeps them when the DAG is gone: until an administrator removes them under "
        "Security",
    },
    {
        "what": "log lines with the account's id, without a meter's number or kWh: of this run, of runs that work on "
        "all accounts and name none, of tasks on other machines, of Airflow's own services",
        "columns": [],
        "why": "Airflow's API cannot remove them: until you do",
    },
]
"""What stays, in words; the columns of Airflow's database with the account's id, as ``table.column``, none for files;
and why it stays, and until when."""
WITHOUT_API: list[dict[str, Any]] = [
    {
        "what": "everything that Airflow remembers of the account: runs, XComs, rendered fields, logs, asset events, "
        "its audit log",
        "columns": [],
        "why": "[grdf] airflow_conn_id is not set: `airflow dags delete` removes what is of its own DAG, and `airflow "
        "db clean` the rest by its age",
    }
]


def names(conf: object, account: str) -> bool:
    """Return whether the configuration of a run names an account.

    :param conf: the configuration; may be any JSON value
    """
    told = conf if isinstance(conf, Mapping) else {}
    many = told.get("accounts")
    return account in (
        text.strip()
        for text in (told.get("account"), told.get("confirm"), *(many if isinstance(many, list) else [many]))
        if isinstance(text, str)
    )
