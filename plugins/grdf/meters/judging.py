"""What follows from the problems that an account's meters had: for its document, and for the task that read them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from grdf.doubt import is_over
from include.gas.errors import FailNow, GasError, RetryLater

if TYPE_CHECKING:
    from airflow.sdk import Context

    from grdf.hooks.accounts import AccountStore
    from include.gas.accounts import Account


class Problems:
    """The problems of one account's meters, collected while they are read.

    :param account: the account as it was when its meters were read
    """

    def __init__(self, account: Account) -> None:
        self._account = account
        self._closed = 0  # meters that a person must see to
        self.all: list[GasError] = []

    def add(self, problems: Iterable[GasError]) -> None:
        """Add what went wrong with one meter.

        :param problems: may be empty
        """
        found = list(problems)
        self.all += found
        self._closed += any(isinstance(problem, FailNow) for problem in found)

    @property
    def later(self) -> list[RetryLater]:
        """Those that may pass by themselves."""
        return [problem for problem in self.all if isinstance(problem, RetryLater)]

    def judge(self, context: Context, accounts: AccountStore) -> None:
        """Put on the account what its household must know, and end this try if this run is to ask again.

        :param context: Airflow's task context
        :param accounts: the account documents
        :raises RetryLater: the first problem that this run asks about again
        """
        partial = self._closed < len(self._account.meters)
        for problem in self.all:
            if isinstance(problem, FailNow):
                accounts.mark(self._account.id, problem, partial=partial, asked=self._account)
        for problem in self.later:
            if not is_over(context, problem):
                raise problem
