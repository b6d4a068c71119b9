"""What Airflow does after each kind of failure: retry later, or stop for a person."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryDecision, RetryRule
from airflow.sdk.exceptions import AirflowNotFoundException

from include.gas.errors import FailNow, GasError, QuotaWait, RefusalDoubted, RetryLater

if TYPE_CHECKING:
    from airflow.sdk import Context


SOON = 2
"""Last try that repeats a doubted refusal soon."""

DOUBTED = timedelta(hours=1)
"""Wait before a doubted refusal is asked about again, so that a fault of an hour has passed."""

LONGEST = 86_400.0
"""Longest wait in seconds that an answer can impose: quotas start anew each day."""


def first_to_raise(problems: Iterable[GasError], *, last_try: bool) -> GasError:
    """Return the error that ends a task with problems of several clients at GRDF.

    While there is another try, a passing problem comes first: one client's refusal must not end the work for others.
    The refusal is in the log at once, and raised by the last try.

    :param problems: at least one
    """
    order = (FailNow, QuotaWait, GasError) if last_try else (QuotaWait, RetryLater, GasError)
    return min(problems, key=lambda error: next(at for at, kind in enumerate(order) if isinstance(error, kind)))


class GasRetryPolicy(ExceptionRetryPolicy):
    """Handles failures by the classes of ``include.gas.errors``; others follow Airflow's own rule."""

    def __init__(self) -> None:
        may_pass = "It may pass; it is tried again later."
        super().__init__(
            rules=[
                RetryRule(
                    exception=[FailNow, AirflowNotFoundException],
                    action=RetryAction.FAIL,
                    reason="Only a person can help; see the message above.",
                ),
                RetryRule(exception=RefusalDoubted, retry_delay=DOUBTED, reason=may_pass),
                RetryRule(exception=RetryLater, reason=may_pass),
            ]
        )

    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Context | None = None
    ) -> RetryDecision:
        """Decide what to do after a failure."""
        if isinstance(exception, RefusalDoubted) and try_number >= SOON:
            return RetryDecision.fail("GRDF still refuses it. The next run asks again.")
        decision = super().evaluate(exception, try_number, max_tries, context)
        if isinstance(exception, RetryLater) and exception.retry_after is not None:
            return RetryDecision.retry(timedelta(seconds=min(exception.retry_after, LONGEST)), decision.reason)
        return decision
