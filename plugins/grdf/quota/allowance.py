"""GRDF's quota for one client, and the messages that callers and the ledger of calls exchange."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Purpose = Literal["daily", "history", "connect"]
"""What a call is for. ``connect`` is one for which a person waits, such as the exchange of a household's authorization
code, which is valid for minutes and works once: the call takes the next slot, and does not wait until the next day."""

DAY = 86_400.0
MARGIN = 0.07
"""Calls are spaced wider than the quota requires, by this fraction. Two calls that leave here one second apart can
reach GRDF closer together when the network or GRDF's own gateway delays the first more than the second."""
IMPORTS_AT_LEAST = 100
"""History imports always get at least one call in this many per day. Without it, an import would never finish when the
daily runs need every call."""


@dataclass(frozen=True)
class Quota:
    """What one client may do.

    :param calls_per_second: highest rate
    :param calls_per_day: limit for any 24 hours and for any calendar day in Paris
    :param reserve: how many of the daily calls history imports leave unused; less than ``calls_per_day``
    """

    calls_per_second: float
    calls_per_day: int
    reserve: int = 0

    @property
    def distance(self) -> float:
        """The seconds between two calls."""
        return (1 + MARGIN) / self.calls_per_second

    def share(self, purpose: Purpose, daily: int = 0) -> int:
        """Return the calls per day that are available for a purpose.

        :param daily: calls that daily runs made in the last day or have booked; they are expected to need as many again
        """
        if purpose != "history":
            return self.calls_per_day
        least = min(self.calls_per_day - self.reserve, self.calls_per_day // IMPORTS_AT_LEAST)
        return max(least, self.calls_per_day - max(self.reserve, daily))


@dataclass(frozen=True)
class Ticket:
    """A booked call.

    :param at: the booked instant (epoch seconds)
    :param went: when the call was let go (epoch seconds); 0 if it was not
    :param counted: the five-minute interval, numbered since 1970, in which the call is counted
    """

    at: float
    went: float = 0.0
    counted: int = 0


@dataclass
class Block:
    """Calls of the day that are booked for a task.

    :param calls: how many the task may still make
    :param at: from when on (epoch seconds)
    :param history: whether they belong to a history import
    :param until: the block is dropped if the task has not asked again by then (epoch seconds)
    """

    calls: int
    at: float
    history: bool
    until: float


@dataclass(frozen=True)
class Answer:
    """What a caller that asks for its turn is told.

    :param seconds: how long to wait, and then ask again with the ticket; 0 to call now. A caller that is delayed before
        sending asks again, too
    :param ticket: the call's booking; ``None`` if there is none yet
    :param reason: why it waits: for its turn, for the end of a pause after a 429, for a token that GRDF takes, or for
        calls of the day that stop counting
    """

    seconds: float
    ticket: Ticket | None
    reason: Literal["turn", "pause", "token", "day"] = "turn"


@dataclass(frozen=True)
class Bearer:
    """Who makes a call, as far as GRDF may refuse it for a reason that concerns many calls.

    :param credentials: a fingerprint of our client's id and secret
    :param data: whether the call carries the shared token; otherwise it requests a token
    """

    credentials: str = ""
    data: bool = False
    worker: str = ""


ANYBODY = Bearer()


@dataclass(frozen=True)
class Usage:
    """How much of a client's quota is used at present.

    :param calls: calls that count: those of the last 24 hours, and all of this Paris day
    :param history: those of them that history imports made
    :param left: calls that may still be made and are not booked
    :param pause: seconds for which nobody calls, because GRDF has refused a call with 429
    """

    calls: int
    history: int
    left: int
    pause: float
