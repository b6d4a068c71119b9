"""The DAG that reads past gas days again, with one call per meter for any range. A backfill makes one per day."""

from __future__ import annotations

from airflow.sdk import DAG, Param

from grdf.airflow.announcing import DAYS, HISTORY_ALIAS
from grdf.airflow.tasks.defaults import METERS, STORING, manual_dag_arguments, task_defaults
from grdf.operators.history import AnnounceHistoryOperator, PlanHistoryOperator, ReadHistoryOperator

DOC = """
Reads a range of gas days again and stores what is new or was corrected. Start it by hand, with accounts and range.

`plan` says how long it will take; `read` has one task per account, whose states show the progress. An account that
fails does not stop the others; clear its task to try again. Days that are stored as definitive are not asked for again
unless *Include definitive days* is on. `plan` fails with more accounts than `[core] max_map_length`.
"""
PARAMS = {
    "accounts": Param(
        [],
        type="array",
        items={"type": "string"},
        title="Accounts",
        description="One id per line; empty for all accounts.",
    ),
    "from": Param(type="string", format="date", title="From", description="First gas day."),
    "to": Param(type="string", format="date", title="To", description="The day after the last gas day."),
    "include_definitive": Param(
        False,
        type="boolean",
        title="Include definitive days",
        description="Also ask for days that GRDF has declared definitive.",
    ),
}

with DAG(
    "grdf_history",
    schedule=None,
    **manual_dag_arguments("Gas: read past days again (grdf_history)"),
    params=PARAMS,
    default_args=task_defaults(STORING),
    doc_md=DOC,
):
    plan = PlanHistoryOperator(task_id="plan")
    read = ReadHistoryOperator.partial(
        task_id="read",
        # Daily runs have priority: a long import must not occupy all workers.
        max_active_tis_per_dag=2,
        map_index_template="{{ task.account_id }}",
        execution_timeout=METERS,
        priority_weight=0,  # any task of a daily run goes first
    ).expand(account_id=plan.output)
    AnnounceHistoryOperator(
        task_id="announce",
        planned=plan.output,
        results=read.output,
        inlets=[DAYS],
        outlets=[HISTORY_ALIAS],
    ).as_teardown()  # runs in any case and hides no failure
