"""GRDF's quota as arithmetic: who may call when, with what is left of the day. The shared state is a small text.

GRDF allows 1 call a second and 6,000 a day, over all endpoints together, then answers 429 (contract annex 4, for parks
under 5,000 meters; ADICT 3.8). It does not say when its day begins, so both meanings are kept: a call counts until
24 hours have passed and the Paris day it was made on is over, which is later once a year, on the day of 25 hours.

Calls are booked: each gets the next free instant, so whoever asks first goes first. An instant that nobody uses,
because its holder died, costs one instant and no more. Whoever is late goes late; the next still keeps its distance.
Among those who are late the first to come goes, since waiting for one in particular leaves instants unused; whoever
has come too late so often that others overtook it many times is waited for.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from typing import Literal

from include.gas.days import PARIS

Purpose = Literal["daily", "history", "connect"]
"""What a call is for. ``connect`` is the exchange of a household's code, which lives for minutes and works once: it
waits for its second but not for the next day."""

DAY = 86_400.0
MARGIN = 0.07
"""Calls keep this much more distance than the quota asks for: what leaves here a second apart may reach GRDF closer
together, by as much as the network, or GRDF's own gateway, delayed the first more than the second."""
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 300.0
"""Seconds of the pause after a 429 that names no time; it doubles while 429s go on."""
FORGIVEN = 10
"""Calls that GRDF takes after a pause; a 429 after so many is a stray one and pauses for the shortest."""
OVERTAKEN = 30
"""Times that others go before somebody whose turn it is, until the next instant is kept for it. More than the tasks
that wait at once on most installations: with fewer, the instants that are kept for one cost up to 15 % of the pace."""
_BIN = 300
"""Seconds that are counted together: the day's calls are kept as some 300 numbers. Rounded to the careful side."""


@dataclass(frozen=True)
class Quota:
    """What one client may do.

    :param calls_per_second: highest pace
    :param calls_per_day: calls in 24 hours and in a Paris day
    :param reserve: calls of these that history imports leave alone, below ``calls_per_day``
    """

    calls_per_second: float
    calls_per_day: int
    reserve: int = 0

    @property
    def distance(self) -> float:
        """Seconds between two calls."""
        return (1 + MARGIN) / self.calls_per_second

    @property
    def spare(self) -> float:
        """Seconds of these that the quota does not ask for."""
        return MARGIN / self.calls_per_second

    def share(self, purpose: Purpose) -> int:
        """Calls a day for one purpose."""
        return self.calls_per_day - (self.reserve if purpose == "history" else 0)


@dataclass(frozen=True)
class Ticket:
    """A booked call.

    :param at: its instant (epoch seconds)
    :param epoch: the ledger's when it was booked; a pause begins another one and voids the instant, not the booking
    :param overtaken: how often others went before it since its instant had come
    :param due: when it was told to come again for that (epoch seconds)
    :param went: when it was let go (epoch seconds), if it was
    """

    at: float
    epoch: int
    overtaken: int = 0
    due: float = 0.0
    went: float = 0.0


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
    """

    seconds: float
    ticket: Ticket | None
    paused: bool = False


@dataclass(frozen=True)
class Spent:
    """The day's calls are used up.

    :param until: when a call that nobody else was told to wait for no longer counts (epoch seconds)
    """

    until: float


@dataclass
class Ledger:
    """The shared state of one client's quota.

    :param last: when the last call was let go (epoch seconds)
    :param free: the first instant that is not booked (epoch seconds)
    :param epoch: number of pauses so far
    :param paused_until: end of the last pause (epoch seconds)
    :param backoff: how long the last pause without a given time was (seconds)
    :param since: calls that were let go since the last pause
    :param kept_for: the instant of the booking for which all others that were booked later wait, if there is one
    :param kept_until: for so long (epoch seconds)
    :param calls: by number of the five minutes since 1970, the calls of daily runs and of history imports
    :param promised: by the same numbers, how many were told to come back when those calls no longer count
    """

    last: float = 0.0
    free: float = 0.0
    epoch: int = 0
    paused_until: float = 0.0
    backoff: float = 0.0
    since: int = 0
    kept_for: float = 0.0
    kept_until: float = 0.0
    calls: dict[int, list[int]] = field(default_factory=dict)
    promised: dict[int, list[int]] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str | None) -> Ledger:
        """Read what :meth:`text` wrote; nothing at all is an empty ledger.

        :raises ValueError: when it is something else
        """
        if text is None:
            return cls()
        try:
            told = json.loads(text)
            calls, promised = (
                {int(at): [int(daily), int(history)] for at, (daily, history) in told.get(name, {}).items()}
                for name in ("calls", "promised")
            )
            numbers = {name: float(told[name]) for name in ("last", "free", "paused_until", "backoff")}
            numbers |= {name: float(told.get(name, 0.0)) for name in ("kept_for", "kept_until")}
            return cls(
                **numbers, epoch=int(told["epoch"]), since=int(told.get("since", 0)), calls=calls, promised=promised
            )
        except (ValueError, TypeError, KeyError, AttributeError):
            raise ValueError("no ledger of calls") from None

    def text(self) -> str:
        """Write the ledger down."""
        return json.dumps(asdict(self), separators=(",", ":"))

    def used(self) -> tuple[int, int]:
        """Count the calls that still matter: all of them, and those of history imports."""
        history = sum(count[1] for count in self.calls.values())
        return history + sum(count[0] for count in self.calls.values()), history

    def ask(
        self, now: float, quota: Quota, purpose: Purpose, ticket: Ticket | None, *, patience: float
    ) -> Go | Wait | Spent:
        """Ask to make a call, or ask again with the ticket got before.

        Who was let go but held up before sending goes at once if nobody went since: the others then keep their
        distance to that. If somebody did, the call is one of those that are late.

        Daily runs book as far ahead as they are ready to wait. History imports book only the next two instants, so a
        daily run never has more than those before it.

        :param now: the shared clock (epoch seconds)
        :param quota: what the client may do
        :param purpose: what the call is for
        :param ticket: what :class:`Wait` gave before
        :param patience: the most seconds to book ahead; where it takes longer, nothing is booked
        """
        self._tidy(now)
        if ticket is None and purpose != "connect":
            total, history = self.used()
            if total >= quota.calls_per_day or (purpose == "history" and history >= quota.share("history")):
                return Spent(self._promise(quota, purpose))
        if self.paused_until > now:
            return Wait(self.paused_until - now, ticket, paused=True)
        if ticket is None or ticket.epoch != self.epoch:
            at = max(now, self.free)
            if purpose == "history" and at - now > 2 * quota.distance:
                return Wait(at - now - 2 * quota.distance, ticket)
            if at - now > patience:
                return Wait(at - now, ticket)
            if ticket is None:
                self.calls.setdefault(int(now // _BIN), [0, 0])[purpose == "history"] += 1
            ticket = Ticket(at, self.epoch)
            self.free = at + quota.distance
        again = 0 < ticket.went == self.last
        start = max(ticket.at, self.last if again else self.last + quota.distance)
        if now < start:
            return Wait(start - now, self._keep_if_overtaken(ticket, now, start, quota))
        if now < self.kept_until and self.kept_for < ticket.at and not again:
            return Wait(quota.distance, ticket)
        self.last = now
        self.since += not again
        self.free = max(self.free, now + quota.distance)
        return Go(replace(ticket, went=now))

    def refused(self, now: float, retry_after: float | None) -> float:
        """GRDF answered 429: nobody calls for a while.

        :param now: the shared clock (epoch seconds)
        :param retry_after: what GRDF named (seconds), if it did
        :return: seconds that the pause still lasts
        """
        if not retry_after and self.paused_until > now:
            return self.paused_until - now  # a call that was under way when the pause began tells nothing new
        if retry_after:
            until = now + min(retry_after, DAY)
        else:
            recent = now - self.paused_until < max(60.0, 2 * self.backoff)
            lasting = self.backoff and recent and self.since < FORGIVEN
            self.backoff = min(2 * self.backoff, LONGEST_PAUSE) if lasting else FIRST_PAUSE
            until = now + self.backoff
        if until > self.paused_until:
            self.paused_until = self.free = until
            self.epoch += 1
            self.since = 0
            self.kept_until = 0.0
        return self.paused_until - now

    def _keep_if_overtaken(self, ticket: Ticket, now: float, start: float, quota: Quota) -> Ticket:
        """Count that somebody else went first; after many times keep the next instant, and one more to be late."""
        if now < max(ticket.at, ticket.due):
            return ticket  # it came early
        ticket = Ticket(ticket.at, ticket.epoch, ticket.overtaken + 1, start)
        if ticket.overtaken >= OVERTAKEN and (now >= self.kept_until or ticket.at <= self.kept_for):
            self.kept_for, self.kept_until = ticket.at, start + quota.distance
        return ticket

    def _tidy(self, now: float) -> None:
        """Forget the calls that no longer count; go along with a clock that was set back."""
        self.calls = {at: count for at, count in self.calls.items() if _leaves(at) > now}
        self.promised = {at: count for at, count in self.promised.items() if at in self.calls}
        if (back := self.last - now) > 0:
            self.last, self.free, self.paused_until = now, self.free - back, self.paused_until - back
            self.kept_until = 0.0

    def _promise(self, quota: Quota, purpose: Purpose) -> float:
        """Tell when to come back, each one at a time of its own: thousands that come at once would find nothing."""
        total, history = self.used()
        too_many, much_history = total - quota.calls_per_day + 1, history - quota.share("history") + 1
        last = max(self.calls)
        for at in sorted(self.calls):
            promised = self.promised.get(at, [0, 0])
            too_many -= sum(self.calls[at]) - sum(promised)
            much_history -= self.calls[at][1] - promised[1]
            if (too_many <= 0 and (purpose == "daily" or much_history <= 0)) or at == last:
                break
        self.promised.setdefault(at, [0, 0])[purpose == "history"] += 1
        return _leaves(at)


def time_needed(calls: int, quota: Quota, purpose: Purpose, left: int) -> float:
    """Estimate how long some calls take at the least: at the quota's pace, and over the days that it makes of them.

    :param calls: how many
    :param quota: what the client may do
    :param purpose: what they are for
    :param left: calls that may still be made now within the day's quota
    :return: seconds
    """
    if calls <= left:
        return calls * quota.distance
    days, last = divmod(calls - left - 1, max(1, quota.share(purpose)))
    return (days + 1) * DAY + (last + 1) * quota.distance


def _leaves(at: int) -> float:
    """Tell when the calls of some five minutes no longer count: after a day, and when their Paris day is over."""
    end = (at + 1) * _BIN
    day = datetime.fromtimestamp(at * _BIN, UTC).astimezone(PARIS).date()
    midnight = datetime.combine(day + timedelta(days=1), time(), PARIS)
    return max(end + DAY, midnight.timestamp())
