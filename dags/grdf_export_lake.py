"""The daily DAG that lets the copy for analysts follow CouchDB."""

from __future__ import annotations

from airflow.sdk import DAG

from grdf import settings
from grdf.airflow.tasks.defaults import STORING, fleet_dag_arguments, in_paris, task_defaults
from grdf.operators.exports.export_lake import ExportLakeOperator

DOC = """
Writes what has changed in CouchDB since the last run (days, months, years, also corrected and removed ones) into the
Parquet files of `[grdf] lake_url`, under pseudonyms, and removes the rows of households that have left. Without that
setting it has no schedule. docs/lake.md says what is in the files, and how to read them.

A run that fails or is stopped loses nothing: the next one goes on. Start it after a deletion if its household's rows
shall not stay until tomorrow.
"""

with DAG(
    "grdf_export_lake",
    schedule=in_paris("30 15 * * *") if settings.lake_url.or_default() else None,  # after the morning's pass
    **fleet_dag_arguments("Gas: copy for analysts (grdf_export_lake)"),
    default_args=task_defaults(STORING),
    doc_md=DOC,
):
    ExportLakeOperator(task_id="export_lake")
