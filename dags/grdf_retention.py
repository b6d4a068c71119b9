"""The nightly DAG that removes what was kept of households for a limited time."""

from __future__ import annotations

from airflow.sdk import DAG, Param

from grdf import settings
from grdf.airflow.tasks.defaults import STORING, fleet_dag_arguments, in_paris, task_defaults
from grdf.operators.retention import RemoveOverdueOperator

DOC = """
A deletion keeps a copy of the record of the household's consent, without the account's id, because GRDF may ask for
the proof of a consent afterwards. This DAG removes it once `[grdf] consent_record_days` are over.

A record that is 60 days old becomes such a copy, too, if its account has no right to the meter that it may prove. If
the database of the meters is empty, CouchDB may have lost it: then the records stay.

What is kept of a link goes once that has expired; files of imports and of failed runs go after 30 days, copies of
households' data (`grdf_export_account`) after 7.

Where `[grdf] days_kept_years` is set, the gas days of earlier calendar years go, by a purge as at a deletion, and their
number is recorded in `com-grandlyon-grdf-audit`. Months and years stay. Start it with **dry run** to see how many;
where it is not set, as with three years.

It also has CouchDB forget old revisions of accounts, meters and records. Until then they hold the name and address that
a household gave for its right to be declared, although nothing else does any more.
"""

with DAG(
    "grdf_retention",
    schedule=in_paris("40 3 * * *"),
    **fleet_dag_arguments("Gas: remove what is kept no longer (grdf_retention)"),
    # Only an administrator of CouchDB may purge; only the deletion's workers have that login.
    default_args=task_defaults(STORING, queue=settings.deletion_queue.or_default()),
    params={
        "dry_run": Param(False, type="boolean", title="Dry run", description="Only log how many gas days would go."),
    },
    doc_md=DOC,
):
    RemoveOverdueOperator(task_id="remove_overdue")
