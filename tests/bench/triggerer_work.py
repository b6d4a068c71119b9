"""Tasks that only wait: in a worker's process, or started directly in Airflow's triggerer (``start_from_trigger``)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, ClassVar

import pendulum
from airflow.sdk import DAG, BaseOperator
from airflow.triggers.base import BaseTrigger, StartTriggerArgs, TaskSuccessEvent

SECONDS = 0.2
TASKS = 4


class Nap(BaseTrigger):
    """A trigger that waits and ends its task by itself, so that no worker is needed."""

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the data from which the triggerer recreates it."""
        return f"{__name__}.Nap", {}

    async def run(self) -> AsyncIterator[TaskSuccessEvent]:  # type: ignore[override]  # the base's is untyped
        """Wait."""
        await asyncio.sleep(SECONDS)
        yield TaskSuccessEvent()


class InTriggerer(BaseOperator):
    """An operator that starts and ends in the triggerer."""

    start_from_trigger = True
    start_trigger_args: ClassVar[StartTriggerArgs] = StartTriggerArgs(
        trigger_cls=f"{__name__}.Nap",
        trigger_kwargs={},
        next_method="execute",
        next_kwargs=None,
        timeout=None,
    )


class InWorker(BaseOperator):
    """An operator that runs as tasks do, in a separate process."""

    def execute(self, context: Any) -> None:  # noqa: ARG002  # Airflow calls it so
        """Wait."""
        time.sleep(SECONDS)


def dags(way: str, count: int) -> dict[str, DAG]:
    """Return DAGs of four consecutive tasks that are due at once.

    :param way: ``worker`` or ``triggerer``
    :param count: number of DAGs
    """
    operator = {"worker": InWorker, "triggerer": InTriggerer}[way]
    built = {}
    for number in range(count):
        with DAG(
            f"nap_{number}",
            schedule="@daily",
            start_date=pendulum.datetime(2026, 1, 1),
            catchup=False,
            max_active_runs=1,
            is_paused_upon_creation=False,
        ) as dag:
            before: BaseOperator | None = None
            for step in range(TASKS):
                task = operator(task_id=f"step_{step}")
                if before:
                    before >> task
                before = task
        built[dag.dag_id] = dag
    return built
