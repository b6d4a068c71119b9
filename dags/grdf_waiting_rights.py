"""The DAG that looks every quarter of an hour whether holders have accepted declared rights."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG

from grdf.airflow.tasks.defaults import STORING, fleet_dag_arguments, in_paris, task_defaults
from grdf.operators.ways_in.check_waiting_rights import CheckWaitingRightsOperator
from include.gas.documents.day_documents import check_account_dag

DOC = """
A right that was declared for a household counts once the contract's holder has accepted it in GRDF's e-mail, and
GRDF sends no notice of that. While such rights wait, this DAG asks GRDF for all of them in one call: every quarter of
an hour for two hours after a declaration, every hour for a week, then every morning. It also takes in what an account
asks for anew: a declaration, or a consent beside known meters. When a right is in force, the account's own DAG starts.

If there is nothing to settle, `look` is skipped, and GRDF is not asked. Started by hand it settles all at once.
"""

with DAG(
    "grdf_waiting_rights",
    # GRDF mails holders at each quarter of an hour: one may have answered the previous mail.
    schedule=in_paris("5,20,35,50 * * * *"),
    **fleet_dag_arguments("Gas: look for accepted rights (grdf_waiting_rights)"),
    default_args=task_defaults(STORING),
    doc_md=DOC,
) as dag:
    look = CheckWaitingRightsOperator(task_id="look")
    TriggerDagRunOperator.partial(
        task_id="first_launch",
        openlineage_inject_parent_info=False,
        # Airflow may not know a new account's DAG yet; its first run then starts by itself. The next look waits for
        # this run, so it must not try for long.
        retries=3,
        retry_delay=timedelta(seconds=20),
    ).expand(trigger_dag_id=look.output.map(check_account_dag))
