"""Waiting for GRDF's quota. A task that may not call yet gives up its slot and returns later, which is no failure."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from airflow.sdk.exceptions import AirflowRescheduleException

from include.gas.errors import QuotaWait

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, Context

Operator = TypeVar("Operator", bound="BaseOperator")
Result = TypeVar("Result")

SHORTEST = 5.0
"""Shortest wait in seconds. Returning sooner costs more than being a little late."""
LONGEST = 26 * 3600.0
"""Longest wait in seconds. No call counts for longer, so a longer wait results from a clock that was wrong."""


def waiting_for_grdf(execute: Callable[[Operator, Context], Result]) -> Callable[[Operator, Context], Result]:
    """Wrap an operator's ``execute`` so that it runs again when its turn to call GRDF has come.

    Airflow shows the task as *up for reschedule*, and it uses up no try (Airflow doc, "Tasks": up_for_reschedule).

    :param execute: the operator's method
    """

    @functools.wraps(execute)
    def patient(self: Operator, context: Context) -> Result:
        try:
            return execute(self, context)
        except QuotaWait as wait:
            self.log.info("%s", wait)
            seconds = min(max(SHORTEST, wait.retry_after or 0.0), LONGEST)
            moment = datetime.now(UTC) + timedelta(seconds=seconds)
            raise AirflowRescheduleException(moment) from None  # type: ignore[no-untyped-call]  # untyped in Airflow

    return patient
