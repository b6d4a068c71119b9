"""The steps of a deletion, executed in this process one after the other, as Airflow would."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

from airflow.sdk.exceptions import AirflowRescheduleException
from msgspec.structs import replace

from tests.helpers import context, with_memory_shelf

ALL = ("check", "mark", "revoke", "purge")
STARTED = datetime(2026, 6, 1, 12, tzinfo=UTC)
FORM: Mapping[str, Any] = {"dry_run": False, "keep_data": False}


def deletion_context(
    run_id: str,
    params: Mapping[str, Any],
    *,
    running: Collection[int] = (),
    by: str = "someone",
    started: datetime = STARTED,
    cleared: bool = False,
) -> dict[str, Any]:
    counts = iter(running)

    def count(*, dag_id: str, states: list[str]) -> int:
        assert dag_id == f"grdf_account__{params['account']}"
        assert "running" in states
        return next(counts, 0)

    found = context(run_type="manual", run_id=run_id)
    found["dag_run"].triggering_user_name, found["dag_run"].start_date = by, started
    found["dag_run"].clear_number = int(cleared)
    found["ti"].get_ti_count = count
    return found | {"params": dict(params)}


def operators(account: str) -> dict[str, Any]:
    from airflow.sdk import DAG

    from grdf.operators.deletion.deletion_steps import MarkLeavingOperator, PurgeAccountOperator, RevokeRightsOperator
    from grdf.operators.deletion.plan import ApproveDeletionOperator, CheckDeletionOperator

    kinds = (CheckDeletionOperator, MarkLeavingOperator, RevokeRightsOperator, PurgeAccountOperator)
    dag = DAG("grdf_delete_account", schedule=None)
    made = [kind(task_id=name, account_id=account, dag=dag) for name, kind in zip(ALL, kinds, strict=True)]
    made.append(ApproveDeletionOperator(task_id="approve", account_id=account, subject="Delete?", dag=dag))
    return {operator.task_id: with_memory_shelf(operator) for operator in made}


def answer(by: str | None, choice: str = "Approve") -> dict[str, Any]:
    user = None if by is None else {"id": "7", "name": by}
    at = datetime.now(UTC)
    return {"chosen_options": [choice], "params_input": {}, "responded_at": at, "responded_by_user": user}


def _execute(operator: Any, at_hand: dict[str, Any]) -> Any:
    while True:
        with suppress(AirflowRescheduleException):
            return operator.execute(at_hand)


def delete(
    account: str,
    *,
    run_id: str = "run-1",
    approved_by: str | None = "somebody-else",
    steps: Collection[str] = ALL,
    form: Mapping[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    from grdf.airflow.tasks.run import Run
    from grdf.operators.deletion.step import read_order
    from include.gas.leaving.deletion import with_request

    params = {"account": account, "confirm": account, **FORM, **(form or {})}
    at_hand = deletion_context(run_id, params, **more)
    made = operators(account)
    given = {}
    for name in ALL:
        if name == "mark" and approved_by is not None and {"mark", "approve"} & set(steps):
            run, approve = Run.from_context(at_hand), made["approve"]
            order = read_order(run).with_approval_from(approve.read_record())
            if not order.approved_by:
                asked = replace(order, rights=approve.plan(run, *approve.check_request(run))[1])
                approve.change_record(partial(with_request, order=asked))
                approve.execute_complete(at_hand, answer(approved_by))
        if name in steps:
            given[name] = _execute(made[name], at_hand)
    return given
