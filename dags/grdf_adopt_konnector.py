"""The DAG that adopts the documents stored by Cozy's konnector, once."""

from __future__ import annotations

from airflow.sdk import DAG, Param

from grdf.airflow.tasks.defaults import METERS, manual_dag_arguments, task_defaults
from grdf.operators.adopt_konnector import AdoptKonnectorOperator

DOC = """
Assigns the documents that Cozy's konnector left (days, months and years with random ids) to one account and its first
meter, in the databases of the connection `couchdb` and its `database_prefix`.

1. Stop the konnector. Switch this DAG on, and start it with the account's id. **Dry run** is on: the log of `adopt`
   says what would happen.
2. Start it again with dry run off. It stores, and only then removes the konnector's documents.

Days that are already stored keep their load, and totals become the sum of the stored days. Totals for times without any
stored day are kept. If it is killed, start it again.
"""
PARAMS = {
    "account": Param(
        "",
        type="string",
        title="Account",
        description="The account's id, as on the page Gas accounts.",
    ),
    "dry_run": Param(True, type="boolean", title="Dry run", description="Only log what would be stored and removed."),
}

with DAG(
    "grdf_adopt_konnector",
    schedule=None,
    **manual_dag_arguments("Gas: adopt what Cozy's konnector left (grdf_adopt_konnector)")
    | {"is_paused_upon_creation": True},  # for who comes from Cozy; Airflow's form offers to switch it on
    max_active_runs=1,  # the same documents must not go to two accounts
    params=PARAMS,
    default_args=task_defaults(METERS),  # reads all that a konnector has stored
    doc_md=DOC,
):
    AdoptKonnectorOperator(task_id="adopt", account_id="{{ params.account }}")
