"""The terms on which calls to GRDF wait for their turn in its quota."""

from __future__ import annotations

from dataclasses import dataclass

from grdf.quota.allowance import Purpose

LONGEST_WAIT = 600.0
"""Seconds that a call waits for its turn. After that its task gives up its slot and is tried again later."""


@dataclass
class Booking:
    """The calls that a task has to make. It books them together.

    :param name: identifies the task; the same when the task is tried again
    :param calls: how many calls are left to make
    """

    name: str
    calls: int = 1


@dataclass(frozen=True)
class Terms:
    """The terms on which a call waits for its turn in the quota.

    :param purpose: ``history`` for imports of the past, which yield to daily runs; ``connect`` where a person waits
    :param booking: the calls of the task, if it makes several
    :param longest_wait: longest wait in seconds; shorter for a page, where a person is waiting, than for a task
    :param trial: whether a person tries values that may be wrong, so that an answer must not stop the workers
    """

    purpose: Purpose = "daily"
    booking: Booking | None = None
    longest_wait: float = LONGEST_WAIT
    trial: bool = False

    @property
    def of_token(self) -> Terms:
        """The terms for renewing the data token.

        The token serves all calls, so even an import renews it as a daily call.
        """
        return Terms("connect" if self.purpose == "connect" else "daily", longest_wait=self.longest_wait)


DAILY = Terms()
HISTORY = Terms("history")
CONNECT = Terms("connect")
TRIAL = Terms("connect", longest_wait=20.0, trial=True)
"""For a person who waits in front of a *Test* button, or of ``./grdf doctor``."""
