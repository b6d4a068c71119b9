"""The arithmetic of GRDF's quota: who may call when, and how much of the day is left. The state is a short text.

GRDF allows 1 call per second and 6,000 per day over all endpoints together, then answers 429 (contract annex 4, for
fewer than 5,000 meters; ADICT 3.8). It does not say when its day begins, so both interpretations are honoured: a call
counts until 24 hours have passed and the Paris day on which it was made is over. The second is later on one day a year,
the day of 25 hours.

Each call books the next free instant, so callers are served in the order in which they ask. If the holder of an instant
dies, only that instant is lost. A caller that asks late still goes, and the next one keeps its distance to it. A pause
moves the next free instant to its end.

A task that makes several calls books all of them for the day when it asks for the first, or none, and waits: it keeps
nothing of what it has read by then. Those of a daily run are then booked from the moment when enough earlier calls stop
counting. Otherwise a household with twenty meters would queue behind all households with one meter.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from typing import Literal, Self

import msgspec

from grdf.quota.allowance import ANYBODY, DAY, Answer, Bearer, Block, Purpose, Quota, Ticket
from grdf.quota.terms import Booking, Terms
from grdf.quota.token_doubt import TokenDoubt
from include.gas.days.gas_day import PARIS

FIRST_PAUSE, LONGEST_PAUSE = 2.0, 300.0
"""Seconds of the first and of the longest pause after a 429 without ``Retry-After``. The pause doubles while 429s
continue."""
BLOCK_KEPT = 3600.0
"""How long booked calls are kept for a task after the time at which it was to ask again, in seconds. The scheduler may
be slow when thousands of tasks come due. After that the task is considered dead."""
BIN = 300
"""Length in seconds of the intervals in which calls are counted, which makes a day some 300 numbers. Rounding errs on
the safe side."""


@dataclass
class Ledger:
    """The shared state of one client's quota, and who may call when.

    :param seen: when it was last looked at (epoch seconds)
    :param last: when the last call was let go (epoch seconds)
    :param free: the first instant that is not booked (epoch seconds)
    :param paused_until: end of the last pause (epoch seconds)
    :param backoff: length of the last pause after a 429 without ``Retry-After`` (seconds)
    :param fleet: calls per day that the daily runs of all accounts need, if known
    :param calls: how many calls were made, by five-minute interval since 1970 and by purpose
    :param blocks: calls that are booked for a task and not made yet, by the task's name
    :param doubt: whether GRDF refuses the token that all share
    """

    seen: float = 0.0
    last: float = 0.0
    free: float = 0.0
    paused_until: float = 0.0
    backoff: float = 0.0
    fleet: int = 0
    calls: dict[int, dict[Purpose, int]] = field(default_factory=dict)
    blocks: dict[str, Block] = field(default_factory=dict)
    doubt: TokenDoubt = field(default_factory=TokenDoubt)

    @classmethod
    def read(cls, text: str | None) -> Self:
        """Return the ledger that :meth:`text` wrote, or an empty ledger for ``None``.

        :raises ValueError: if the text is not a ledger
        """
        try:
            return cls() if text is None else msgspec.json.decode(text, type=cls)
        except msgspec.MsgspecError:
            raise ValueError("no ledger of calls") from None

    def text(self) -> str:
        """Return the ledger as text."""
        return msgspec.json.encode(self).decode()

    def used(self) -> tuple[int, int]:
        """Return how many calls still count: all of them, and those of history imports."""
        return sum(sum(made.values()) for made in self.calls.values()), self._made("history")

    def wanted_daily(self) -> int:
        """Return how many calls daily runs are expected to need in a day.

        These are the calls of the last day plus those booked for other daily runs, or the number that the fleet is
        known to need if that is larger. A twentieth is added so that imports do not delay a morning that starts a
        little earlier than the last one.
        """
        total, history = self.used()
        booked = sum(block.calls for block in self.blocks.values() if not block.history)
        daily = max(total - history + booked, self.fleet)
        return daily + daily // 20

    def left(self, now: float, quota: Quota, purpose: Purpose) -> int:
        """Return how many calls may still be made now within the daily quota and are not booked."""
        self._tidy(now)
        return max(0, self._rooms(now, quota, purpose)[0][1])

    def ask(
        self,
        now: float,
        quota: Quota,
        terms: Terms,
        ticket: Ticket | None,
        *,
        patience: float,
        bearer: Bearer = ANYBODY,
    ) -> Answer:
        """Ask for permission to make a call, or ask again with the ticket from an earlier answer.

        A caller that was let go but was delayed before sending may go at once if nobody else went in between; the
        others then keep their distance to the new time. If somebody did go, the call is treated as late.

        A call for which a person waits takes the next instant: those that are booked keep their distance to it. Daily
        runs book as far ahead as they are prepared to wait. History imports book at most the next two instants,
        so a daily run never waits behind more than two of them.

        :param patience: how many seconds ahead to book at most; if it would take longer, nothing is booked
        """
        self._tidy(now)
        if ticket is None and (until := self._book(now, quota, terms)) > now:
            return Answer(until - now, None, "day")
        if hold := self.doubt.wait(now, terms.purpose, bearer):
            return Answer(hold, ticket, "token")
        reason: Literal["pause", "turn"] = "pause" if self.paused_until > now else "turn"
        if ticket is None or ticket.at < self.paused_until:
            ahead = terms.purpose == "connect" or self.doubt.probes(bearer)
            first = self.last + quota.distance if ahead else self.free
            at = max(now, self.paused_until, first)
            if terms.purpose == "history" and at - now > 2 * quota.distance:
                return Answer(at - now - 2 * quota.distance, ticket, reason)
            if at - now > patience:
                return Answer(at - now, ticket, reason)
            ticket = Ticket(at, counted=ticket.counted if ticket else self._count(now, terms))
            self.free = max(self.free, at + quota.distance)
        again = 0 < ticket.went == self.last
        start = max(ticket.at, self.last if again else self.last + quota.distance)
        if now < start:
            return Answer(start - now, ticket, reason)
        self.last = now
        self.free = max(self.free, now + quota.distance)
        return Answer(0.0, replace(ticket, went=now))

    def take_back(self, now: float, terms: Terms, ticket: Ticket) -> None:
        """Stop counting a booked call that will not be made because its task gives up for now.

        The call is kept for the task if others are.
        """
        self._tidy(now)
        made = self.calls.get(ticket.counted, {})
        if made.get(terms.purpose):
            made[terms.purpose] -= 1
            if block := self._block(terms.booking):
                block.calls += 1

    def release(self, name: str) -> None:
        """Release the calls that a task has booked and does not need.

        :param name: the task's, see :class:`grdf.quota.terms.Booking`
        """
        self.blocks.pop(name, None)

    def refused(self, now: float, retry_after: float | None) -> float:
        """Record that GRDF answered 429. Nobody calls for a while.

        :param retry_after: the answer's ``Retry-After`` in seconds, if it had one
        :return: seconds that the pause still lasts
        """
        self._tidy(now)
        if not retry_after and self.paused_until > now:
            return self.paused_until - now  # the call was sent before the pause began
        if retry_after:
            until = now + min(retry_after, DAY)
        else:
            lasting = now - self.paused_until < max(60.0, 2 * self.backoff)
            self.backoff = min(2 * self.backoff, LONGEST_PAUSE) if lasting and self.backoff else FIRST_PAUSE
            until = now + self.backoff
        if until > self.paused_until:
            self.paused_until, self.free = until, max(self.free, until)
        return self.paused_until - now

    def _book(self, now: float, quota: Quota, terms: Terms) -> float:
        """Return from when on there is room for a call in its day. On a task's first call, book all of them."""
        purpose, task = terms.purpose, terms.booking or Booking("")
        if purpose == "connect":
            return now
        block = self._block(terms.booking)
        if block is None or block.at > now or self.used()[0] >= quota.calls_per_day:
            # A task that asks too early or too late books again. It is never worse off: in the meantime nobody was
            # admitted for whom there was no room beside it.
            self.release(task.name)
            wanted = max(1, min(task.calls, quota.share(purpose, self.wanted_daily())))
            rooms = self._rooms(now, quota, purpose)
            at = next((at for at, room in rooms if room >= wanted), None)
            if at is None:  # more is booked than fits into a day
                return max(rooms[-1][0], now + BIN)
            block = Block(wanted, at, purpose == "history", 0.0)
            if terms.booking and not (block.history and at > now):  # an import books no other day
                self.blocks[task.name] = block
        block.until = max(now, block.at) + BLOCK_KEPT
        return block.at

    def _block(self, task: Booking | None) -> Block | None:
        return self.blocks.get(task.name) if task else None

    def _count(self, now: float, terms: Terms) -> int:
        """Count a call, and take it from the calls that its task has booked."""
        at = int(now // BIN)
        made = self.calls.setdefault(at, {})
        made[terms.purpose] = made.get(terms.purpose, 0) + 1
        if terms.booking and (block := self._block(terms.booking)):
            block.calls -= 1
            if block.calls <= 0:
                self.release(terms.booking.name)
        return at

    def _made(self, purpose: Purpose) -> int:
        return sum(made.get(purpose, 0) for made in self.calls.values())

    def _rooms(self, now: float, quota: Quota, purpose: Purpose) -> list[tuple[float, int]]:
        """Return how many calls have room from which moments on, without taking any booked call away."""
        changes: defaultdict[float, int] = defaultdict(int, {now: 0})
        imports: defaultdict[float, int] = defaultdict(int, {now: 0})

        def change(at: float, calls: int, past: int) -> None:
            changes[at] += calls
            imports[at] += past

        change(now, *self.used())
        for block in self.blocks.values():
            change(max(now, block.at), block.calls, block.calls * block.history)
        for five, made in self.calls.items():
            change(counted_until(five), -sum(made.values()), -made.get("history", 0))
        share = quota.share("history", self.wanted_daily())
        rooms, level, past = [], 0, 0
        for at in sorted(changes):
            level, past = level + changes[at], past + imports[at]
            left = quota.calls_per_day - level
            rooms.append((at, min(left, share - past) if purpose == "history" else left))
        for place in range(len(rooms) - 2, -1, -1):
            rooms[place] = rooms[place][0], min(rooms[place][1], rooms[place + 1][1])
        return rooms

    def _tidy(self, now: float) -> None:
        """Drop what no longer counts. If the clock went back, a call made later than now counts as made now."""
        if (ahead := self.seen - now) > 0:
            self.last = min(self.last, now)
            self.free, self.paused_until = self.free - ahead, self.paused_until - ahead
            self.doubt.until -= ahead
            for block in self.blocks.values():
                block.at, block.until = block.at - ahead, block.until - ahead
        self.seen, this = now, int(now // BIN)
        for five in [five for five in self.calls if five > this]:
            here = self.calls.setdefault(this, {})
            for purpose, made in self.calls.pop(five).items():
                here[purpose] = here.get(purpose, 0) + made
        self.calls = {five: made for five, made in self.calls.items() if counted_until(five) > now}
        self.blocks = {name: block for name, block in self.blocks.items() if block.until > now}


@lru_cache(maxsize=2048)
def counted_until(at: int) -> float:
    """Return when the calls of an interval stop counting: after 24 hours, and not before the end of their Paris day."""
    end = (at + 1) * BIN
    day = datetime.fromtimestamp(at * BIN, UTC).astimezone(PARIS).date()
    midnight = datetime.combine(day + timedelta(days=1), time(), PARIS)
    return max(end + DAY, midnight.timestamp())
