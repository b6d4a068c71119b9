"""The DAG that deletes an account: it revokes its rights at GRDF, then removes everything stored for it."""

from __future__ import annotations

from airflow.providers.standard.operators.python import ShortCircuitOperator
from airflow.sdk import DAG, Param

from grdf import settings
from grdf.airflow.tasks.defaults import METERS, STORING, manual_dag_arguments, task_defaults
from grdf.operators.deletion.deletion_steps import MarkLeavingOperator, PurgeAccountOperator, RevokeRightsOperator
from grdf.operators.deletion.plan import ApproveDeletionOperator, CheckDeletionOperator
from grdf.operators.deletion.step import is_real_run

DOC = """
Revokes the consents of one account at GRDF and removes what is stored for it. This cannot be undone.

1. Start it with the account's id, typed twice. **Dry run** is on: the log of `check` lists what would be removed.
2. Start it again with dry run off. It waits at `approve` until somebody else approves the list: Airflow also takes the
   answer of the person who asked, but then asks again.
3. If it fails half-way, fix what the log says and start it again: it continues where it stopped.

*Keep the data* only revokes the consents. The record of a deletion stays in the database `com-grandlyon-grdf-audit`.
"""
ACCOUNT = "{{ params.account }}"
PARAMS = {
    "account": Param(
        "",
        type="string",
        title="Account",
        description="The account's id, as on the page Gas accounts.",
    ),
    "confirm": Param("", type="string", title="Confirm", description="Type the account's id a second time."),
    "dry_run": Param(True, type="boolean", title="Dry run", description="Only list what would be revoked and removed."),
    "keep_data": Param(
        False, type="boolean", title="Keep the data", description="Revoke the consents, but remove nothing."
    ),
}

with DAG(
    "grdf_delete_account",
    schedule=None,
    **manual_dag_arguments("Gas: delete an account (grdf_delete_account)"),
    params=PARAMS,
    # Only workers of this queue need the secret that revokes. Executors without queues ignore it.
    default_args=task_defaults(STORING, queue=settings.deletion_queue.or_default()),
    doc_md=DOC,
):
    check = CheckDeletionOperator(task_id="check", account_id=ACCOUNT, execution_timeout=METERS)
    real_run = ShortCircuitOperator(task_id="real_run", python_callable=is_real_run)
    mark = MarkLeavingOperator(task_id="mark_leaving", account_id=ACCOUNT)
    revoke = RevokeRightsOperator(task_id="revoke", account_id=ACCOUNT, execution_timeout=METERS)
    purge = PurgeAccountOperator(task_id="purge", account_id=ACCOUNT)
    check >> real_run
    if settings.deletion_needs_approval.or_default():
        approve = ApproveDeletionOperator(
            task_id="approve",
            account_id=ACCOUNT,
            execution_timeout=None,  # people may take as long as they need
            subject=f"Delete account {ACCOUNT}? This cannot be undone.",
        )
        real_run >> approve >> mark
    else:
        real_run >> mark
    mark >> revoke >> purge
