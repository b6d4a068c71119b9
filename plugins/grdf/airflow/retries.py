"""What Airflow does after each kind of failure: try again later, or stop and ask a person."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule
from airflow.sdk.definitions.retry_policy import RetryDecision
from airflow.sdk.exceptions import AirflowNotFoundException

from include.gas.errors import (
    FailNow,
    RefusalDoubted,
    RetryLater,
)

if TYPE_CHECKING:
    from airflow.sdk import Context


SOON = 2
"""The try on which a doubted refusal is asked again for the last time that day."""

DOUBTED = 3600.0
"""Seconds after which a refusal that GRDF's list contradicts is asked again: a fault of an hour is over then."""

LONGEST = 86_400.0
"""Seconds: the longest wait that an answer can ask of us. Quotas start anew each day."""


class GasRetryPolicy(ExceptionRetryPolicy):
    """Sort failures by the exception tree of ``include.gas.errors``.

    ``RetryLater`` is tried again, after the time GRDF asked for when it named one; ``FailNow`` is not, since only a
    person can help, and neither is a connection that does not exist; anything else keeps Airflow's own rule.
    """

    def __init__(self) -> None:
        super().__init__(
            rules=[
                RetryRule(
                    exception=FailNow, action=RetryAction.FAIL, reason="Only a person can help; see the message above."
                ),
                RetryRule(
                    exception=AirflowNotFoundException,
                    action=RetryAction.FAIL,
                    reason="An Airflow connection is missing: create it under Admin, Connections.",
                ),
                RetryRule(
                    exception=RetryLater, action=RetryAction.RETRY, reason="It may pass; it is tried again later."
                ),
            ]
        )

    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Context | None = None
    ) -> RetryDecision:
        """Decide on one failure.

        :param exception: what ended the task
        :param try_number: which try this was, from 1
        :param max_tries: how many retries the task has
        :param context: Airflow's task context
        """
        decision = super().evaluate(exception, try_number, max_tries, context)
        if isinstance(exception, RefusalDoubted):
            if try_number >= SOON:
                return RetryDecision.fail("GRDF still refuses it. The next run asks again.")
            return RetryDecision.retry(timedelta(seconds=DOUBTED), decision.reason)
        if isinstance(exception, RetryLater) and exception.retry_after is not None:
            return RetryDecision.retry(timedelta(seconds=min(exception.retry_after, LONGEST)), decision.reason)
        return decision
