"""The DAG that makes accounts for unclaimed rights at GRDF."""

from __future__ import annotations

from airflow.sdk import DAG, Param

from grdf.airflow.tasks.defaults import METERS, manual_dag_arguments, task_defaults
from grdf.operators.ways_in.adopt_rights import AdoptRightsOperator
from include.gas.importing.right_adoption import DEFAULT_PATTERN

DOC = """
Gives an account to each right at GRDF that is in force, includes daily data of gas use, and belongs to no account: for
those who used another program or portal, have lost CouchDB, or consented on GRDF's site and never came back. That is an
account that has had a right of the same holder to that meter, or a new one. It asks GRDF for its whole list, which
is one call.

1. Start it. **Dry run** is on: the log names the rights that would get an account, and those that would not, and why.
2. Start it again with dry run off. It may be repeated at any time.

**The city's own meters** (rights of its own contracts, to which nobody consents) are grouped by a CSV file in the
folder `import` of the staging store, with the columns `building` (the account's id), `meter`, `name` and `first` (the
first day, may be empty). Without it they are left alone. The file is removed at the end; upload a longer one when there
are more meters.

If a record of the same holder's consent is kept here, it is the proof. Otherwise the proof is where the right was
declared.
"""
PARAMS = {
    "dry_run": Param(True, type="boolean", title="Dry run", description="Only log which accounts would get rights."),
    "id_pattern": Param(
        DEFAULT_PATTERN,
        type="string",
        title="Account ids",
        description="With {right}, GRDF's id of the right, or {short}, its first 8 characters.",
    ),
    "buildings": Param(
        "",
        type=["null", "string"],
        title="File of buildings",
        description="Its name in the folder import, such as schools.csv; empty for none.",
    ),
}

with DAG(
    "grdf_adopt_rights",
    schedule=None,
    **manual_dag_arguments("Gas: give accounts to unclaimed rights (grdf_adopt_rights)"),
    max_active_runs=1,
    params=PARAMS,
    default_args=task_defaults(METERS),
    doc_md=DOC,
):
    AdoptRightsOperator(task_id="adopt_rights")
