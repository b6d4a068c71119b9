"""Once, after moving from Cozy's konnector: what it stored becomes ours."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Param

from grdf import settings
from grdf.announcing import ADOPTION, changes_of
from grdf.operators.adopt import AdoptKonnectorOperator
from grdf.retries import GasRetryPolicy
from grdf.time_limits import METERS

DOC = """
Makes the documents that Cozy's konnector left (days, months and years with random ids) those of one account and its
first meter, in the databases of the connection `couchdb` and its `database_prefix`.

1. Stop the konnector. Start this with the account's id. **Dry run** is on: the log of `adopt` tells what would happen.
2. Start it again with the dry run off. It stores, reads back, and only then removes the konnector's documents.

Days that are stored already keep their load; totals become the sum of the stored days; figures of the konnector's that
say something else, and totals of times without any day, are kept. If it is killed, start it again.
"""
PARAMS = {
    "account": Param(
        "",
        type="string",
        title="Account",
        description="The account's id: what follows grdf_account__ in its DAG's name.",
    ),
    "dry_run": Param(True, type="boolean", title="Dry run", description="Only tell what would be stored and removed."),
}

with DAG(
    "grdf_adopt_konnector",
    schedule=None,
    allowed_run_types=["manual"],
    max_active_runs=1,  # two accounts must not both be given the same documents
    is_paused_upon_creation=False,
    params=PARAMS,
    default_args={
        "owner": "grdf",
        "retries": settings.retries(),
        "retry_delay": timedelta(seconds=settings.retry_seconds()),
        "execution_timeout": METERS,  # no call to GRDF, but all that a konnector has stored, read and read back
        "retry_policy": GasRetryPolicy(),
    },
    tags=["grdf", "history"],
    doc_md=DOC,
):
    AdoptKonnectorOperator(task_id="adopt", outlets=[changes_of(ADOPTION)])
