"""The DAG that makes the copy of a household's data that it can take along."""

from __future__ import annotations

from airflow.sdk import DAG, Param

from grdf.airflow.tasks.defaults import STORING, manual_dag_arguments, task_defaults
from grdf.operators.exports.export_account import ExportAccountOperator

DOC = """
Makes one ZIP file of all that is stored about a household, for a household that asks for its data: days, months, years,
billing periods, rights, records of its consent, groups, and what is kept, why and for how long, as CSV and JSON, with
the days as Green Button (ESPI), and explained in English and French. Nothing in it is about another household.

Download it on the account's page, by *The household's copy…*: it needs the right to connect the account, since the
records hold a name and an address. A new copy replaces the former one. It is removed after 7 days, and when the account
is deleted; until then a household that is leaving can still have it. A household with a link to its page needs no
operator: it downloads its copy there.
"""
PARAMS = {
    "account": Param(
        type="string",
        title="Account",
        description="The account's id, as on the page Gas accounts.",
    ),
}

with DAG(
    "grdf_export_account",
    schedule=None,
    **manual_dag_arguments("Gas: make a household's copy of its data (grdf_export_account)"),
    params=PARAMS,
    default_args=task_defaults(STORING),
    doc_md=DOC,
):
    ExportAccountOperator(task_id="export", account_id="{{ params.account }}")
