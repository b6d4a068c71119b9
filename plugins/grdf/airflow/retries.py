"""What Airflow does after each kind of failure: try again later, or stop and ask a person."""

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
"""The last try on which a doubted refusal is asked about again by the same run."""

DOUBTED = timedelta(hours=1)
"""How long until a refusal that GRDF's list contradicts is asked about again, so that a fault of an hour is over by
then."""

LONGEST = 86_400.0
"""Longest wait in seconds that an answer can make us accept. Quotas start anew each day."""


def first_to_raise(problems: Iterable[GasError], *, last_try: bool) -> GasError:
    """Return the error with which a task ends that several clients at GRDF have kept from something.

    As long as there is another try, what may pass comes first, for otherwise one client's refusal would take the tries
    that another one's work needs. A person hears of the refusal in the log at once, and by the last try at the latest.

    :param problems: at least one, in the order in which they were met
    :param last_try: whether Airflow will not try the task again by itself
    """
    order = (FailNow, QuotaWait, GasError) if last_try else (QuotaWait, RetryLater, GasError)
    return min(problems, key=lambda error: next(at for at, kind in enumerate(order) if isinstance(error, kind)))


class GasRetryPolicy(ExceptionRetryPolicy):
    """Handles failures according to the exception classes of ``include.gas.errors``.

    ``RetryLater`` is tried again, after the time that GRDF asked for if it named one. ``FailNow`` is not, because only
    a person can help, and neither is a missing connection. Anything else follows Airflow's own rule.
    """

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
        """Decide what to do after one failure.

        :param exception: what ended the task
        :param try_number: which try this was, from 1
        :param max_tries: how many retries the task has
        :param context: passed on to Airflow's own rule
        """
        if isinstance(exception, RefusalDoubted) and try_number >= SOON:
            return RetryDecision.fail("GRDF still refuses it. The next run asks again.")
        decision = super().evaluate(exception, try_number, max_tries, context)
        if isinstance(exception, RetryLater) and exception.retry_after is not None:
            return RetryDecision.retry(timedelta(seconds=min(exception.retry_after, LONGEST)), decision.reason)
        return decision
