"""What GRDF allows one client, and the terms on which calls wait for their turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Purpose = Literal["daily", "history", "connect"]
"""What a call is for. ``history`` is for imports of the past, which yield to daily runs. ``connect`` is one for which a
person waits, such as the exchange of a household's authorization code, which is valid for minutes and works once: the
call takes the next slot, and does not wait until the next day."""

LONGEST_WAIT = 600.0
"""Seconds that a call waits for its turn. After that its task gives up its slot and is tried again later."""
MARGIN = 0.07
"""Calls are spaced wider than the quota requires, by this fraction. Two calls that leave here one second apart can
reach GRDF closer together when the network or GRDF's own gateway delays the first more than the second."""


@dataclass(frozen=True)
class Quota:
    """What one client may do.

    :param calls_per_second: highest rate
    :param calls_per_day: limit for any 24 hours and for any calendar day in Paris
    """

    calls_per_second: float
    calls_per_day: int

    @property
    def distance(self) -> float:
        """The seconds between two calls."""
        return (1 + MARGIN) / self.calls_per_second


@dataclass
class Booking:
    """The calls that a task has to make. They are counted together, when it asks for the first.

    :param name: identifies the task while it waits for calls of the day; the same when it is tried again. Without a
        name, the call comes before those that wait: it serves all of them, such as a call for a new token
    :param calls: how many calls are left to make
    :param last_read: returns when the account was last read (epoch seconds; 0 for never). It is asked when there are
        not enough calls for all: then whoever was read longest ago comes first
    :param since: what it has returned
    :param counted: how many of the calls are counted already
    :param at: the five-minute interval, numbered since 1970, in which they are counted
    """

    name: str = ""
    calls: int = 1
    last_read: Callable[[], float] = lambda: 0.0
    since: float | None = None
    counted: int = 0
    at: int = 0


@dataclass(frozen=True)
class Terms:
    """The terms on which a call waits for its turn in the quota.

    :param purpose: what the call is for
    :param booking: the calls of the task, if it makes several
    :param longest_wait: longest wait in seconds; shorter for a page, where a person is waiting, than for a task
    :param trial: whether a person tries values that may be wrong, so that an answer must not stop the workers
    """

    purpose: Purpose = "daily"
    booking: Booking | None = None
    longest_wait: float = LONGEST_WAIT
    trial: bool = False

    @property
    def for_token(self) -> Terms:
        """The terms for renewing the data token.

        The token serves all calls, so even an import renews it as a daily call.
        """
        return Terms(
            "connect" if self.purpose == "connect" else "daily", longest_wait=self.longest_wait, trial=self.trial
        )


DAILY = Terms()
HISTORY = Terms("history")
CONNECT = Terms("connect")
TRIAL = Terms("connect", longest_wait=20.0, trial=True)
"""For a person who waits in front of a *Test* button, or of ``./grdf doctor``."""
