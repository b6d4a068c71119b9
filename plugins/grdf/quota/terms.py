"""On what terms calls to GRDF wait for their turn in its quota."""

from __future__ import annotations

from dataclasses import dataclass

from grdf.quota.allowance import Purpose

LONGEST_WAIT = 600.0
"""Seconds that a call waits for its turn; after that its task gives its slot back and is tried again later."""


@dataclass
class Booking:
    """The calls that a task has to make: it books them together.

    :param name: names the task, also when it comes again
    :param calls: how many are left to make
    :param asked: whether it has asked for one
    """

    name: str
    calls: int = 1
    asked: bool = False


@dataclass(frozen=True)
class Terms:
    """On what terms a call waits for its turn in the quota.

    :param purpose: ``history`` for imports of the past, which stand back behind daily runs; ``connect`` for a
        household's code, which would not live until the next day; ``link`` for what a household's link begins
    :param booking: the calls of which it is one, if its task makes several
    :param longest_wait: seconds that it waits at most: nobody looks at a task that waits, but at a page somebody does
    """

    purpose: Purpose = "daily"
    booking: Booking | None = None
    longest_wait: float = LONGEST_WAIT

    @property
    def of_token(self) -> Terms:
        """The terms for renewing the data token on the way: it is everybody's, so no import stands back for it."""
        return Terms(longest_wait=self.longest_wait)


DAILY = Terms()
HISTORY = Terms("history")
CONNECT = Terms("connect")
