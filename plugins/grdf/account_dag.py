"""The DAG of one account, for the files of ``grdf.airflow.bundle`` and ``dags/grdf_accounts.py``."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from airflow.sdk import DAG, get_parsing_context

from grdf import settings
from grdf.airflow.tasks.defaults import METERS, ONE_CALL, START, STORING, dag_arguments, task_defaults
from grdf.operators.acquire_token import AcquireTokenOperator
from grdf.operators.extract import ExtractOperator
from grdf.operators.load import LoadOperator
from grdf.operators.rescope_token import RescopeTokenOperator
from grdf.timetable import GasDayTimetable
from include.gas.documents.day_documents import account_of, dag_id

DOC = """
[This account on the page Gas](grdf/accounts/{account})

Reads one household's gas days from GRDF and stores them, with month and year totals, in CouchDB.

* **`acquire_token` failed**: the household's consent could not be used. The log says why; usually the household must
  connect again.
* **`rescope_token` failed**: GRDF refuses our own client, for every account of it. Check its connection: `grdf_adict`,
  or the one that the account's document names as `grdf_connection`.
* **`extract` failed**: GRDF did not return the data. The log says whether this will pass or the household must consent
  again.
* **`load` failed**: CouchDB did not take the data; clear the task once that is fixed. Or one of several meters has a
  problem: the others are stored, and the next run asks again. To ask at once, clear `extract`.

To read one day again, clear its run. To read past days, start a backfill of this DAG; for days that already have a run
choose *All Runs* under *Reprocess Behavior*. Any run may be repeated.
"""


def account_dags(listed: Callable[[], Iterable[str]]) -> dict[str, DAG]:
    """Return a file's DAGs by id; in a task's process only the one that Airflow names, without asking for the list."""
    named = get_parsing_context().dag_id
    account = account_of(named) if named else None
    accounts = listed() if named is None else (account,) if account else ()
    return {dag_id(each): account_dag(each) for each in accounts}


def account_dag(account_id: str) -> DAG:
    """Return the DAG of one account."""
    schedule = GasDayTimetable.for_account(
        account_id,
        publication_days=settings.publication_days.or_default(),
        first_hour=settings.first_hour.or_default(),
        spread_minutes=settings.spread_minutes.or_default(),
    )
    with DAG(
        dag_id(account_id),
        schedule=schedule,
        **dag_arguments(f"Gas account {account_id}", "account"),
        start_date=START,
        max_active_runs=1,
        default_args=task_defaults(),
        doc_md=DOC.format(account=account_id),
    ) as dag:
        # ``max_active_runs`` is 1: without a timeout, a task that hangs would stop the account for good.
        acquire = AcquireTokenOperator(task_id="acquire_token", account_id=account_id, execution_timeout=ONE_CALL)
        rescope = RescopeTokenOperator(task_id="rescope_token", account_id=account_id, execution_timeout=ONE_CALL)
        extract = ExtractOperator(task_id="extract", account_id=account_id, execution_timeout=METERS)
        load = LoadOperator(
            task_id="load",
            account_id=account_id,
            staged=extract.output,
            execution_timeout=STORING,
        )
        acquire >> rescope >> extract >> load
    return dag
