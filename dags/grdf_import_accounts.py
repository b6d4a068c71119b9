"""The DAG that declares the rights of many households from a CSV file."""

from __future__ import annotations

from airflow.sdk import DAG, Param

from grdf.airflow.tasks.defaults import FLEET, manual_dag_arguments, task_defaults
from grdf.operators.ways_in.import_accounts import ImportAccountsOperator

DOC = """
Declares rights at GRDF for up to 10,000 households in a CSV file. Put the file into the folder `import` of the staging
store, and start this with its name. docs/connect.md describes its columns.

1. **Dry run** is on: every line is checked, and the log and the file `<name>.result.csv` say which are wrong.
2. Start it again with dry run off. Nothing is sent while a line is wrong, unless *Skip wrong lines* is on.

Daily runs come first in GRDF's quota; when the day's calls are spent, the task waits (*up for reschedule*) for the next
day. If it is killed, start a new run, which continues; a cleared run does nothing. At the end the file is removed, and
the result file stays.
"""
PARAMS = {
    "file": Param("", type="string", title="File", description="Its name in the folder import, such as homes.csv."),
    "dry_run": Param(True, type="boolean", title="Dry run", description="Only check the lines."),
    "skip_wrong_lines": Param(
        False, type="boolean", title="Skip wrong lines", description="Declare the others although some are wrong."
    ),
}

with DAG(
    "grdf_import_accounts",
    schedule=None,
    **manual_dag_arguments("Gas: connect households from a file (grdf_import_accounts)"),
    max_active_runs=1,  # two runs would work on the same file
    params=PARAMS,
    default_args=task_defaults(FLEET),
    doc_md=DOC,
):
    ImportAccountsOperator(task_id="import_accounts", priority_weight=0)  # any task of a daily run goes first
