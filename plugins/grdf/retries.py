"""What Airflow does after each kind of failure: try again later, or stop and ask a person."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule
from airflow.sdk.definitions.retry_policy import RetryDecision

from include.gas.errors import FailNow, RetryLater

if TYPE_CHECKING:
    from airflow.sdk import Context


class GasRetryPolicy(ExceptionRetryPolicy):
    """Sort failures by the exception tree of ``include.gas.errors``.

    ``RetryLater`` is tried again, after the time GRDF asked for when it named one; ``FailNow`` is not, since only a
    person can help; anything else keeps Airflow's own rule.
    """

    def __init__(self) -> None:
        super().__init__(
            rules=[
                RetryRule(
                    exception=FailNow, action=RetryAction.FAIL, reason="Only a person can help; see the message above."
                ),
                RetryRule(exception=RetryLater, action=RetryAction.RETRY, reason="It may pass; trying again later."),
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
        if isinstance(exception, RetryLater) and exception.retry_after is not None:
            return RetryDecision.retry(timedelta(seconds=exception.retry_after), decision.reason)
        return decision
