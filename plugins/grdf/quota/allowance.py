"""GRDF's quota for one client, and the messages that callers and the ledger of calls exchange."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Purpose = Literal["daily", "history", "connect", "link", "trial"]
"""What a call is for. ``connect`` is the exchange of a household's authorization code, which is valid for minutes and
works once: the call waits for its slot within the second, but not until the next day. ``link`` is the same exchange
when a household's link started it. Anyone who holds the link can do so without a login, so these calls have a budget of
their own. So has ``trial``: whoever may create connections can press *Test* all day."""

AT_ONCE: tuple[Purpose, ...] = ("connect", "link", "trial")
"""A person waits for these calls."""
TRIALS = 100
"""Calls a day that may be made by trying values. A *Test* and ``./grdf doctor`` make two."""

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
    :param links: calls per day that households' links may start
    :param trials: calls per day that may be made by trying values
    """

    calls_per_second: float
    calls_per_day: int
    reserve: int = 0
    links: int = 100
    trials: int = TRIALS

    @property
    def distance(self) -> float:
        """The seconds between two calls."""
        return (1 + MARGIN) / self.calls_per_second

    @property
    def spare(self) -> float:
        """The part of :attr:`distance` that the quota does not require, in seconds."""
        return MARGIN / self.calls_per_second

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
    :param epoch: the ledger's epoch at the time of booking; a pause starts a new epoch, which voids the instant but not
        the booking
    :param overtaken: how many other calls went first since its instant
    :param due: when the holder was told to ask again after being overtaken (epoch seconds)
    :param went: when the call was let go (epoch seconds); 0 if it was not
    :param counted: the five-minute interval, numbered since 1970, in which the call is counted
    """

    at: float
    epoch: int
    overtaken: int = 0
    due: float = 0.0
    went: float = 0.0
    counted: int = 0


@dataclass(frozen=True)
class Claim:
    """What a task books when it asks for the first of its calls.

    :param name: identifies the task; the same when the task is tried again
    :param calls: how many calls the task still has to make, including this one
    """

    name: str
    calls: int


@dataclass
class Block:
    """Calls of the day that are booked for a task.

    :param ready: how many the task may make now
    :param later: how many more it may make from :attr:`at` on
    :param at: when there is room for the later calls (epoch seconds)
    :param history: whether they belong to a history import
    :param until: the block is dropped if the task has not asked again by then (epoch seconds)
    """

    ready: int
    later: int
    at: float
    history: bool
    until: float


@dataclass(frozen=True)
class Go:
    """Permission to call now. A caller that is delayed before sending asks again with the ticket.

    :param ticket: the call's booking
    """

    ticket: Ticket


@dataclass(frozen=True)
class Wait:
    """The answer "not yet": ask again with the ticket.

    :param seconds: how long to wait
    :param ticket: the booking, if one was made
    :param paused: whether the reason is a 429 from GRDF
    :param token: whether the reason is that GRDF refuses the shared token
    """

    seconds: float
    ticket: Ticket | None
    paused: bool = False
    token: bool = False


@dataclass(frozen=True)
class Bearer:
    """Who makes a call, as far as GRDF may refuse it for a reason that concerns many calls.

    :param credentials: a fingerprint of our client's id and secret
    :param data: whether the call carries the shared token; otherwise it requests a token
    :param worker: identifies the worker
    """

    credentials: str = ""
    data: bool = False
    worker: str = ""


@dataclass(frozen=True)
class Spent:
    """The answer "the day's calls are used up".

    :param until: when a call stops counting that no other caller is already waiting for (epoch seconds)
    """

    until: float


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


def time_needed(calls: int, quota: Quota, purpose: Purpose, left: int, daily: int = 0) -> float:
    """Return the least time that some calls take under the quota, in seconds.

    The result accounts for the calls per second and for the days over which the calls spread.

    :param left: calls that may still be made now within the daily quota
    :param daily: calls that daily runs need per day
    """
    if calls <= left:
        return calls * quota.distance
    days, last = divmod(calls - left - 1, max(1, quota.share(purpose, daily)))
    return (days + 1) * DAY + (last + 1) * quota.distance
