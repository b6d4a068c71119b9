"""A process that takes in accounts, each when told to: the first step of an account's DAG, as a worker executes it."""

from __future__ import annotations

import sys

from include.gas.errors import GasError
from tests.helpers import MemoryShelf, context, with_memory_shelf


def main() -> None:
    """Read the accounts' ids, and answer with how each ended."""
    from airflow.sdk import DAG

    from grdf.operators.acquire_token import AcquireTokenOperator

    answers, sys.stdout = sys.stdout, sys.stderr
    shelf = MemoryShelf()  # outside a task there are no Variables
    for line in sys.stdin:
        dag = DAG("steps", schedule=None)
        operator = AcquireTokenOperator(task_id="acquire_token", account_id=line.strip(), dag=dag)
        try:
            ended = f"has {with_memory_shelf(operator, shelf).execute(context(run_type='manual'))['meters']}"
        except GasError as error:
            ended = type(error).__name__
        print(ended, file=answers, flush=True)


if __name__ == "__main__":
    main()
