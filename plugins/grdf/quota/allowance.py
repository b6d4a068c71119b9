"""What GRDF allows, and what is said between those who ask for calls and the ledger that grants them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Purpose = Literal["daily", "history", "connect", "link"]
"""What a call is for. ``connect`` is the exchange of a household's code, which lives for minutes and works once: it
waits for its second but not for the next day. ``link`` is the same for whoever holds a household's link and needs no
login: it has a budget of its own."""

_AT_ONCE = ("connect", "link")

DAY = 86_400.0
MARGIN = 0.07
"""Calls keep this much more distance than the quota asks for: what leaves here a second apart may reach GRDF closer
together, by as much as the network, or GRDF's own gateway, delayed the first more than the second."""
IMPORTS_AT_LEAST = 100
"""Imports of the past have at least one call of so many a day: beside a fleet that wants all they would never end."""


@dataclass(frozen=True)
class Quota:
    """What one client may do.

    :param calls_per_second: highest pace
    :param calls_per_day: calls in 24 hours and in a Paris day
    :param reserve: calls of these that history imports leave alone, below ``calls_per_day``
    :param links: calls a day that households' links may begin
    """

    calls_per_second: float
    calls_per_day: int
    reserve: int = 0
    links: int = 100

    @property
    def distance(self) -> float:
        """Seconds between two calls."""
        return (1 + MARGIN) / self.calls_per_second

    @property
    def spare(self) -> float:
        """Seconds of these that the quota does not ask for."""
        return MARGIN / self.calls_per_second

    def share(self, purpose: Purpose, daily: int = 0) -> int:
        """Return the calls a day for one purpose.

        :param purpose: which
        :param daily: calls that daily runs took in the last day, or have booked: what they took they will want again
        """
        if purpose != "history":
            return self.calls_per_day
        least = min(self.calls_per_day - self.reserve, self.calls_per_day // IMPORTS_AT_LEAST)
        return max(least, self.calls_per_day - max(self.reserve, daily))


@dataclass(frozen=True)
class Ticket:
    """A booked call.

    :param at: its instant (epoch seconds)
    :param epoch: the ledger's when it was booked; a pause begins another one and voids the instant, not the booking
    :param overtaken: how often others went before it since its instant had come
    :param due: when it was told to come again for that (epoch seconds)
    :param went: when it was let go (epoch seconds), if it was
    :param counted: the five minutes since 1970 among whose calls it is counted
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

    :param name: the task, the same when it comes again
    :param calls: how many calls it still has to make, this one included
    """

    name: str
    calls: int


@dataclass
class Block:
    """Calls of the day that are booked for a task.

    :param ready: how many it may make now
    :param later: how many more from :attr:`at` on
    :param at: when calls are free for those (epoch seconds)
    :param history: whether they are an import's
    :param until: forgotten if the task has not come by then (epoch seconds)
    """

    ready: int
    later: int
    at: float
    history: bool
    until: float


@dataclass(frozen=True)
class Go:
    """Call now; whoever was held up before sending asks again with the ticket.

    :param ticket: the call's booking
    """

    ticket: Ticket


@dataclass(frozen=True)
class Wait:
    """Not yet: ask again with the ticket.

    :param seconds: how long to wait
    :param ticket: what was booked, if anything was
    :param paused: whether it is for GRDF's 429
    :param token: whether it is for the token that all share, which GRDF refuses
    """

    seconds: float
    ticket: Ticket | None
    paused: bool = False
    token: bool = False


@dataclass(frozen=True)
class Bearer:
    """Whose call it is, in the sense of what GRDF may refuse for all calls alike.

    :param credentials: a fingerprint of our client's id and secret
    :param data: whether the call carries the token that all share; else it asks for a token
    :param worker: names the worker
    """

    credentials: str = ""
    data: bool = False
    worker: str = ""


@dataclass(frozen=True)
class Spent:
    """The day's calls are used up.

    :param until: when a call that nobody else was told to wait for no longer counts (epoch seconds)
    """

    until: float


def time_needed(calls: int, quota: Quota, purpose: Purpose, left: int, daily: int = 0) -> float:
    """Estimate how long some calls take at the least: at the quota's pace, and over the days that it makes of them.

    :param calls: how many
    :param quota: what the client may do
    :param purpose: what they are for
    :param left: calls that may still be made now within the day's quota
    :param daily: calls that daily runs want in a day
    :return: seconds
    """
    if calls <= left:
        return calls * quota.distance
    days, last = divmod(calls - left - 1, max(1, quota.share(purpose, daily)))
    return (days + 1) * DAY + (last + 1) * quota.distance
