"""The daily DAG that takes over the prices of gas."""

from __future__ import annotations

from airflow.sdk import DAG

from grdf.airflow.tasks.defaults import STORING, fleet_dag_arguments, in_paris, task_defaults
from grdf.operators.take_prices import TakePricesOperator

DOC = """
Reads the prices of gas, from the file of `[grdf] price_file` or as Cozy's own service keeps them in
`com-grandlyon-fluidsprices`, and checks them: a gap, an overlap or an absurd value makes it **red**, names the line,
and changes nothing. docs/documents.md describes the file.

Each account's next run writes what its days of this year cost, and within four weeks what those of the last three years
do, which a run then reads again. Without prices nothing is written.
"""

with DAG(
    "grdf_prices",
    schedule=in_paris("15 7 * * *"),  # Cozy's service has refreshed its table before 7:00
    **fleet_dag_arguments("Gas: take over the prices (grdf_prices)"),
    default_args=task_defaults(STORING),
    doc_md=DOC,
):
    TakePricesOperator(task_id="take_prices")
