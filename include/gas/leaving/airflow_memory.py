"""What Airflow stores about a household that has left: which runs go, and what stays and why."""

from __future__ import annotations

from collections.abc import Mapping

DELETION, HISTORY, WAITING = "grdf_delete_account", "grdf_history", "grdf_waiting_rights"
SHARED = (
    DELETION, HISTORY, "grdf_adopt_konnector", "grdf_consents", "grdf_published", "grdf_send_proof", WAITING,
    "grdf_import_accounts", "grdf_adopt_rights", "grdf_health",
)  # fmt: skip
"""DAGs that work on any account. A run that names an account is removed with it, even if it names other accounts too:
Airflow cannot change the configuration of a run or the names of its mapped tasks. What the run stored is kept."""

KEPT = {
    "asset_event.extra, asset_event.source_dag_id": "how many days had changed and when, which Airflow's API cannot "
    "remove: until `airflow db clean --tables asset_event --skip-archive`",
    "log.dag_id, log.extra": "who did what, which Airflow's API cannot remove: until `airflow db clean --tables log "
    "--skip-archive`",
    "dag_run.conf, rendered_task_instance_fields.rendered_fields, xcom.value, hitl_detail.body, hitl_detail.subject, "
    "task_instance.rendered_map_index": "this run, those that had not ended, and those of other people's DAGs: until "
    "you remove them, or `airflow db clean` does",
    "ab_view_menu.name": "the names of the permissions on its DAG, with the FAB auth manager: until an administrator "
    "removes them under Security",
    "log lines": "with its id, of this run, of runs that name no account, and of other machines: until you remove them",
}
"""What Airflow keeps of an account that has left, and why, by the columns of its database (see docs/leaving.md)."""
WITHOUT_API = {"everything": "[grdf] airflow_conn_id is not set: until `airflow dags delete` and `airflow db clean`"}


def names(conf: object, account: str) -> bool:
    """Return whether a form of a run names an account.

    :param conf: the run's configuration; may be any JSON value
    """
    told = conf.values() if isinstance(conf, Mapping) else ()
    each = (text for value in told for text in (value if isinstance(value, list) else [value]))
    return account in (text.strip() for text in each if isinstance(text, str))
