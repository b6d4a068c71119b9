"""The arithmetic of GRDF's quota: who may call when. The state is a short text.

GRDF allows 1 call per second and 6,000 per day over all endpoints, then answers 429 (contract annex 4; ADICT 3.8). Its
day is unknown, so a call counts for 24 hours and to the end of its Paris day.

**The day.** A task's calls are counted at its first, all or none. Waiting tasks are on a list: daily runs before
imports, then the account read longest ago. So an account of twenty meters gathers its calls, and a late minute starves
none.

**The second.** A call books the next free instant, in order of asking. A dead holder loses only that instant. A late
caller still goes, and the next one keeps its distance.

**Pauses.** After a 429 all calls pause, after a refused token those with its credentials: their instants move to its
end.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple, Self

import msgspec

from grdf.quota.call_terms import Booking, Purpose, Quota
from include.gas.days.gas_day import PARIS

DAY = 86_400.0
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 3600.0
"""Seconds of a pause without a time from GRDF; it doubles while refusals continue."""
IMPORTS_AT_LEAST = 100
"""Imports get at least one call in this many, even if daily runs need every call."""
KEPT = 3600.0
"""Seconds after which a waiting task that has not asked again counts as dead; the scheduler may be slow."""
SET_BACK = 60.0
"""Seconds by which a clock behind the last call was set back."""
BIN = 300
"""Seconds of the intervals in which calls are counted. Rounding errs on the safe side."""


@dataclass
class Ticket:
    """A call's place in the queue: booked instant, interval, and when it went, in epoch seconds or 0."""

    purpose: Purpose = "daily"
    booking: Booking = field(default_factory=Booking)
    at: float = 0.0
    counted: int = 0
    went: float = 0.0


class Wait(NamedTuple):
    """The seconds before a caller asks again, 0 to call now, and the reason."""

    seconds: float
    reason: Literal["turn", "pause", "token", "day"] = "turn"


@dataclass
class Pause:
    """A time without calls, ``until`` epoch seconds, for those with the same credentials (``""``: all)."""

    until: float = 0.0
    length: float = 0.0
    credentials: str = ""

    def begin(self, now: float, seconds: float | None = None, credentials: str = "") -> float:
        """Pause, for ``seconds`` or twice as long as a pause just before, and return for how long."""
        if seconds:
            self.until = max(self.until, now + min(seconds, DAY))
        elif self.until <= now:  # otherwise the call was sent before the pause began
            lasts = now - self.until < max(60.0, 2 * self.length)
            self.length = min(2 * self.length, LONGEST_PAUSE) if lasts and self.length else FIRST_PAUSE
            self.until, self.credentials = now + self.length, credentials
        return self.until - now


@dataclass
class Waiting:
    """A task that waits for calls of the day: since its account was last read, until it is dropped (epoch seconds)."""

    calls: int
    history: bool
    since: float
    until: float


@dataclass
class QuotaState:
    """The shared state of one client's quota; times in epoch seconds.

    :param free: the first instant that is not booked
    :param fleet: calls per day that all daily runs need, if known
    :param calls: number by five-minute interval since 1970 and purpose
    """

    last: float = 0.0
    free: float = 0.0
    fleet: int = 0
    calls: dict[int, dict[Purpose, int]] = field(default_factory=dict)
    waiting: dict[str, Waiting] = field(default_factory=dict)
    pause: Pause = field(default_factory=Pause)
    refusal: Pause = field(default_factory=Pause)

    @classmethod
    def parse(cls, text: str | None, now: float) -> Self:
        """Return the state in a text, or an empty one; ``msgspec.MsgspecError`` if the text is no such state."""
        ledger = cls() if text is None else msgspec.json.decode(text, type=cls)
        if ledger.last > now + SET_BACK:
            ledger.last = ledger.free = 0.0
        ledger.calls = {at: made for at, made in ledger.calls.items() if counted_until(at) > now}
        ledger.waiting = {name: task for name, task in ledger.waiting.items() if task.until > now}
        return ledger

    def to_text(self) -> str:
        """Return the ledger as text."""
        return msgspec.json.encode(self).decode()

    def count_calls(self) -> tuple[int, int]:
        """Return how many calls still count: all, and those for history."""
        return sum(sum(made.values()) for made in self.calls.values()), self._count_made("history")

    def share(self, quota: Quota, purpose: Purpose) -> int:
        """Return the calls per day for a purpose.

        History leaves at least half, or more if daily runs need it (with a twentieth to spare), but always gets one in
        :data:`IMPORTS_AT_LEAST`.
        """
        if purpose != "history":
            return quota.calls_per_day
        total, history = self.count_calls()
        waiting = sum(task.calls for task in self.waiting.values() if not task.history)
        daily = max(self.fleet, total - history + waiting)
        left = quota.calls_per_day - max(quota.calls_per_day // 2, daily + daily // 20)
        return max(quota.calls_per_day // IMPORTS_AT_LEAST, left)

    def calls_left(self, quota: Quota, purpose: Purpose) -> int:
        """Return how many calls may still be made within the daily quota."""
        total, history = self.count_calls()
        left = quota.calls_per_day - total
        return max(0, min(left, self.share(quota, "history") - history) if purpose == "history" else left)

    def request_call(self, now: float, quota: Quota, ticket: Ticket, *, patience: float, credentials: str = "") -> Wait:
        """Ask for permission to make a call, or again with the same ticket.

        A caller delayed before sending may go at once unless another went; the others keep their distance. One with a
        waiting person takes the next instant. Daily runs book as far ahead as they wait, history at most the next two
        instants.

        :param patience: seconds ahead to book at most; beyond, nothing is booked
        """
        booking, purpose = ticket.booking, ticket.purpose
        if not ticket.at and not booking.counted and (until := self._book_day(now, quota, purpose, booking)) > now:
            return Wait(until - now, "day")
        paused, reason = self._pause(now, purpose, credentials)
        if not ticket.at or ticket.at < paused:
            at = max(now, paused, self.last + quota.distance if purpose == "connect" else self.free)
            if purpose == "history" and at - now > 2 * quota.distance:
                return Wait(at - now - 2 * quota.distance, reason)
            if at - now > patience:
                return Wait(at - now, reason)
            if not ticket.at:
                booking.calls, booking.counted, ticket.counted = booking.calls - 1, booking.counted - 1, booking.at
            ticket.at = at
            self.free = max(self.free, at + quota.distance)
        again = 0 < ticket.went == self.last
        start = max(ticket.at, self.last if again else self.last + quota.distance)
        if now < start:
            return Wait(start - now, reason)
        self.last = ticket.went = now
        self.free = max(self.free, now + quota.distance)
        self._count(purpose, ticket.counted, -1)
        ticket.counted = int(now // BIN)
        self._count(purpose, ticket.counted)
        return Wait(0.0)

    def release_calls(self, ticket: Ticket) -> None:
        """Stop counting a call and the others of its task, which gives up for now."""
        booking = ticket.booking
        if ticket.at:
            self._count(ticket.purpose, ticket.counted, -1)
            booking.calls, ticket.at = booking.calls + 1, 0.0
        self._count(ticket.purpose, booking.at, -booking.counted)
        booking.counted = 0

    def _book_day(self, now: float, quota: Quota, purpose: Purpose, booking: Booking) -> float:
        calls = max(1, min(booking.calls, self.share(quota, purpose)))
        if purpose != "connect":
            since = now if booking.since is None else booking.since
            is_first = purpose == "history" or not booking.name  # of the imports, or of all
            task = Waiting(calls, purpose == "history", 0.0 if is_first else since, 0.0)
            if (until := self._room(now, quota, booking.name, task)) > now:
                self.waiting[booking.name] = replace(task, until=until + KEPT)
                return until
        self.waiting.pop(booking.name, None)
        booking.counted, booking.at = calls, int(now // BIN)
        self._count(purpose, booking.at, calls)
        return now

    def _room(self, now: float, quota: Quota, name: str, task: Waiting) -> float:
        rank = (task.history, task.since, name)
        before = [each for other, each in self.waiting.items() if (each.history, each.since, other) < rank]
        total, history = self.count_calls()
        free = quota.calls_per_day - total - sum(each.calls for each in before)
        share = self.share(quota, "history") - history - sum(each.calls for each in before if each.history)
        at = now
        for five in (0, *sorted(self.calls)):
            if five:
                at, made = max(now, counted_until(five)), self.calls[five]
                free, share = free + sum(made.values()), share + made.get("history", 0)
            if (min(free, share) if task.history else free) >= task.calls:
                return at
        return max(at, now + BIN)  # more than fits into a day

    def _pause(self, now: float, purpose: Purpose, credentials: str) -> tuple[float, Literal["turn", "pause", "token"]]:
        refused = self.refusal.until if credentials == self.refusal.credentials and purpose != "connect" else 0.0
        until = max(self.pause.until, refused)
        return (0.0, "turn") if until <= now else (until, "token" if until == refused else "pause")

    def _count(self, purpose: Purpose, at: int, calls: int = 1) -> None:
        if calls > 0 or at in self.calls:  # what does not count any more is not taken back
            made = self.calls.setdefault(at, {})
            made[purpose] = made.get(purpose, 0) + calls

    def _count_made(self, purpose: Purpose) -> int:
        return sum(made.get(purpose, 0) for made in self.calls.values())


@lru_cache(maxsize=2048)
def counted_until(at: int) -> float:
    """Return when the calls of an interval stop counting: after 24 hours and their Paris day."""
    end = (at + 1) * BIN
    day = datetime.fromtimestamp(at * BIN, UTC).astimezone(PARIS).date()
    midnight = datetime.combine(day + timedelta(days=1), time(), PARIS)
    return max(end + DAY, midnight.timestamp())
