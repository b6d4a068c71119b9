"""The daily DAG that publishes figures about groups of households."""

from __future__ import annotations

from airflow.sdk import DAG

from grdf.airflow.tasks.defaults import STORING, fleet_dag_arguments, in_paris, task_defaults
from grdf.operators.exports.publish_city import PublishCityOperator

DOC = """
Publishes what groups of households have used, by month, in `com-grandlyon-grdf-city` and on the page *Group figures*:
groups are assigned on an account's page or by a file (*Import households*). A month is published 40 days after its end,
once, and again only when at least 11 more households can be counted (`[grdf] smallest_group`).

No figure, and nothing that follows from all figures together, is about fewer households, or mostly about one: where it
would be, households are left out or the figure is not published. docs/city.md says how.
"""

with DAG(
    "grdf_city",
    schedule=in_paris("30 4 * * *"),
    **fleet_dag_arguments("Gas: publish figures of groups (grdf_city)"),
    default_args=task_defaults(STORING),
    doc_md=DOC,
):
    PublishCityOperator(task_id="publish_city")
