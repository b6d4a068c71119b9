"""The steps of a deletion, executed in this process one after the other as Airflow would."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import SimpleNamespace
from typing import Any

from tests.helpers import context, with_memory_shelf

ALL = ("check", "mark", "revoke", "purge", "report")
FORM: Mapping[str, Any] = {"dry_run": False, "keep_data": False}


def deletion_context(
    run_id: str,
    params: Mapping[str, Any],
    *,
    states: Mapping[str, str | int | Exception] | None = None,
    running: Collection[int] = (),
    by: str = "someone",
) -> dict[str, Any]:
    """Give the part of Airflow's context that the steps read.

    :param states: run id to state, of the other runs that Airflow knows; a number is the HTTP status of its failure
        in a worker, an exception what is raised elsewhere
    :param running: what successive counts of running tasks of the account's DAG give; 0 afterwards
    """
    counts, known = iter(running), dict(states or {})

    def runs(dag_id: str, *, run_ids: list[str], states: list[str]) -> int:
        from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
        from airflow.sdk.execution_time.comms import ErrorResponse

        assert dag_id == "grdf_delete_account"
        (run,) = run_ids
        state = known.get(run)
        if isinstance(state, int):  # as a worker hears it when Airflow fails
            detail = {"status_code": state, "message": "", "detail": None}
            raise AirflowRuntimeError(ErrorResponse(error=ErrorType.API_SERVER_ERROR, detail=detail))
        if isinstance(state, Exception):
            raise state
        return int(state in states)

    def count(*, dag_id: str, states: list[str]) -> int:
        assert dag_id == f"grdf_account__{params['account']}"
        assert "running" in states
        return next(counts, 0)

    found = context(run_type="manual", run_id=run_id)
    found["dag_run"].triggering_user_name = by
    found["ti"].get_dr_count, found["ti"].get_ti_count = runs, count
    return found | {"params": dict(params), "dag": SimpleNamespace(dag_id="grdf_delete_account")}


def operators(account: str) -> dict[str, Any]:
    """Give the operators of the DAG by their task ids, with the shared data token in memory."""
    from airflow.sdk import DAG

    from grdf.operators.deletion.check import CheckDeletionOperator
    from grdf.operators.deletion.mark import MarkLeavingOperator
    from grdf.operators.deletion.purge import PurgeAccountOperator
    from grdf.operators.deletion.report import ReportDeletionOperator
    from grdf.operators.deletion.revoke import RevokeConsentsOperator

    kinds = (
        CheckDeletionOperator, MarkLeavingOperator, RevokeConsentsOperator, PurgeAccountOperator, ReportDeletionOperator
    )  # fmt: skip
    with DAG("grdf_delete_account", schedule=None):
        made = [kind(task_id=name, account_id=account, patience=3) for name, kind in zip(ALL, kinds, strict=True)]
    return {operator.task_id: with_memory_shelf(operator) for operator in made}


def delete(
    account: str,
    *,
    run_id: str = "run-1",
    steps: Collection[str] = ALL,
    form: Mapping[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Run steps of a deletion and give what each returned.

    :param form: over the usual filled form
    :param more: as for :func:`deletion_context`
    """
    params = {"account": account, "confirm": account, **FORM, **(form or {})}
    at_hand = deletion_context(run_id, params, **more)
    made = operators(account)
    return {name: made[name].execute(at_hand) for name in ALL if name in steps}
