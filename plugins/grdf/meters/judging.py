"""The consequences of problems with an account's meters: for its document, and for the task that read them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from grdf.ledger.doubt import is_over
from include.gas.errors import FailNow, GasError, RetryLater
from include.gas.meter_tag import meter_tag

if TYPE_CHECKING:
    from grdf.airflow.tasks.log import Log
    from grdf.airflow.tasks.run import Run
    from grdf.stores.accounts.account_store import AccountStore
    from include.gas.account.account import Account
    from include.gas.answers.consumption.sorting import Answer


def warn_of_left_out(answer: Answer[Any], kind: str, log: Log) -> int:
    """Log how many lines of an answer were left out, and return their number.

    :param answer: an answer whose other lines are stored
    :param kind: what the lines are called, such as ``lines``
    """
    if left_out := answer.left_out:
        log.warning(
            "Account %s, meter %s: GRDF's answer contained %s that were left out: %s. All others are stored; "
            "tell GRDF if this continues. %s",
            answer.account, meter_tag(answer.account, answer.pce), kind, left_out, "; ".join(answer.broken[:5]),
        )  # fmt: skip
    return sum(left_out.values())


class Problems:
    """Collects the problems of one account's meters while they are read.

    :param account: the account as it was when its meters were read
    """

    def __init__(self, account: Account) -> None:
        self._account = account
        self._closed = 0  # meters that need a person
        self.all: list[GasError] = []

    def add(self, problems: Iterable[GasError]) -> None:
        """Add the problems of one meter.

        :param problems: may be empty
        """
        found = list(problems)
        self.all += found
        self._closed += any(isinstance(problem, FailNow) for problem in found)

    @property
    def later(self) -> list[RetryLater]:
        """The problems that may be temporary."""
        return [problem for problem in self.all if isinstance(problem, RetryLater)]

    def judge(self, run: Run, accounts: AccountStore) -> None:
        """Mark the account with what its household must know, and end this try if this run is to ask again.

        :raises RetryLater: the first problem that this run asks about again
        """
        partial = self._closed < len(self._account.meters)
        for problem in self.all:
            if isinstance(problem, FailNow):
                accounts.mark(self._account.id, problem, partial=partial)
        for problem in self.later:
            if not is_over(run, problem):
                raise problem
