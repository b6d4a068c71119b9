"""Single steps of DAGs, executed in this process as part of a scheduled run."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from airflow.sdk import DAG

from tests.helpers import MemoryShelf, context, with_memory_shelf


def _made(kind: Any, **arguments: Any) -> Any:
    return with_memory_shelf(kind(task_id="step", dag=DAG("steps", schedule=None), **arguments))


def acquire(account: str, run_type: str = "scheduled", *, try_number: int = 1) -> dict[str, Any]:
    from grdf.operators.acquire_token import AcquireTokenOperator

    now = context(run_type=run_type, try_number=try_number, max_tries=3)
    return dict(_made(AcquireTokenOperator, account_id=account).execute(now))


def extract(
    account: str, day: date, run_type: str = "scheduled", *, try_number: int = 4, run_id: str = "run"
) -> dict[str, Any]:
    from grdf.operators.extract import ExtractOperator

    now = context(day, run_type=run_type, try_number=try_number, max_tries=3, run_id=run_id)
    return dict(_made(ExtractOperator, account_id=account).execute(now))


def load(account: str, staged: dict[str, Any], day: date | None = None, **more: Any) -> dict[str, Any]:
    from grdf.operators.load import LoadOperator

    operator = _made(LoadOperator, account_id=account, staged=staged)
    return dict(operator.execute(context(day, **more) | {"task": operator}))


def check() -> dict[str, int]:
    from grdf.operators.check_rights import CheckRightsOperator

    with pytest.MonkeyPatch.context() as patch:  # outside a task there are no Variables
        patch.setattr("grdf.hooks.adict.Variables", MemoryShelf)
        operator = CheckRightsOperator(task_id="check_consents", dag=DAG("steps", schedule=None))
        return dict(operator.execute(context()))


def clear_away(*, dry_run: bool = False) -> int:
    from grdf.operators.retention import RemoveOverdueOperator

    at_hand = context() | {"params": {"dry_run": dry_run}}
    return int(RemoveOverdueOperator(task_id="remove_overdue", dag=DAG("steps", schedule=None)).execute(at_hand))
