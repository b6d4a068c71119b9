"""Single steps of an account's DAG, executed in this process as part of a scheduled run."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.helpers import MemoryShelf, context, with_memory_shelf


def acquire(account: str, run_type: str = "scheduled", *, try_number: int = 1) -> dict[str, Any]:
    """Execute ``acquire_token``, by default on its first try."""
    from airflow.sdk import DAG

    from grdf.operators.acquire_token import AcquireTokenOperator

    dag = DAG("steps", schedule=None)  # not "with": threads would share that DAG
    operator = with_memory_shelf(AcquireTokenOperator(task_id="acquire_token", account_id=account, dag=dag))
    return dict(operator.execute(context(run_type=run_type, try_number=try_number, max_tries=3)))


def extract(account: str, day: date, run_type: str = "scheduled", *, try_number: int = 4) -> dict[str, Any]:
    """Execute ``extract``, by default on its last try."""
    from airflow.sdk import DAG

    from grdf.operators.extract import ExtractOperator

    dag = DAG("steps", schedule=None)  # not "with": threads would share that DAG
    operator = with_memory_shelf(ExtractOperator(task_id="extract", account_id=account, dag=dag))
    return dict(operator.execute(context(day, run_type=run_type, try_number=try_number, max_tries=3)))


def load(account: str, staged: dict[str, Any], day: date) -> dict[str, Any]:
    """Execute ``load``."""
    from airflow.sdk import DAG

    from grdf.operators.load import LoadOperator

    dag = DAG("steps", schedule=None)  # not "with": threads would share that DAG
    operator = LoadOperator(task_id="load", account_id=account, staged=staged, dag=dag)
    return dict(operator.execute(context(day) | {"task": operator}))


def check() -> dict[str, int]:
    """Execute ``check_consents``."""
    from airflow.sdk import DAG

    from grdf.operators.check_consents import CheckConsentsOperator

    dag = DAG("steps", schedule=None)  # not "with": threads would share that DAG
    operator = CheckConsentsOperator(task_id="check_consents", dag=dag)
    with pytest.MonkeyPatch.context() as patch:  # outside a task there are no Variables
        patch.setattr("grdf.hooks.adict.Variables", MemoryShelf)
        return dict(operator.execute(context()))


def clear_away() -> int:
    """Execute ``remove_overdue``, the nightly retention."""
    from airflow.sdk import DAG

    from grdf.operators.retention import RemoveOverdueOperator

    dag = DAG("steps", schedule=None)  # not "with": threads would share that DAG
    operator = RemoveOverdueOperator(task_id="remove_overdue", dag=dag)
    return int(operator.execute(context()))
