"""What GRDF allows a client, and on which terms calls wait for their turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Purpose = Literal["daily", "history", "connect"]
"""``history`` imports yield to daily runs. For ``connect`` a person waits: it takes the next slot."""

LONGEST_WAIT = 600.0
"""Seconds that a call waits for its turn before its task gives up its slot."""
MARGIN = 0.07
"""Fraction by which calls are spaced wider than required: network or gateway may delay the first of two."""


@dataclass(frozen=True)
class Quota:
    """What one client may do; ``calls_per_day`` in any 24 hours and any calendar day in Paris."""

    calls_per_second: float
    calls_per_day: int

    @property
    def distance(self) -> float:
        """Seconds between two calls."""
        return (1 + MARGIN) / self.calls_per_second


@dataclass
class Booking:
    """The calls of a task, counted together when it asks for the first.

    :param name: identifies the task across tries; ``""`` comes first, for a call that serves all tasks
    :param last_read: returns when the account was last read (epoch seconds; 0 for never), on scarcity: the oldest comes
        first
    :param at: the five-minute interval since 1970 in which ``counted`` ones are
    """

    name: str = ""
    calls: int = 1
    last_read: Callable[[], float] = lambda: 0.0
    since: float | None = None
    counted: int = 0
    at: int = 0


@dataclass(frozen=True)
class Terms:
    """The terms on which a call waits for its turn.

    :param longest_wait: seconds; short for a page
    :param trial: whether a person tries values that may be wrong, so that an answer must not stop workers
    """

    purpose: Purpose = "daily"
    booking: Booking | None = None
    longest_wait: float = LONGEST_WAIT
    trial: bool = False

    @property
    def for_token(self) -> Terms:
        """The terms for renewing the data token, which serves all calls: as a daily one."""
        return Terms(
            "connect" if self.purpose == "connect" else "daily", longest_wait=self.longest_wait, trial=self.trial
        )


DAILY = Terms()
HISTORY = Terms("history")
CONNECT = Terms("connect")
TRIAL = Terms("connect", longest_wait=20.0, trial=True)
"""For a person who waits for *Test* or ``./grdf doctor``."""
