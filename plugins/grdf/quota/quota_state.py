"""The arithmetic of GRDF's quota: who may call when, and how much of the day is left. The state is a short text.

GRDF allows 1 call per second and 6,000 per day over all endpoints together, then answers 429 (contract annex 4, for
fewer than 5,000 meters; ADICT 3.8). It does not say when its day begins, so both interpretations are honoured: a call
counts until 24 hours have passed and the Paris day on which it was made is over. The second is later on one day a year,
the day of 25 hours.

**The day.** All calls of a task are counted when it asks for the first, or none, and it waits: it keeps nothing of what
it has read by then. Whoever waits is written down, and a call is given only if enough are left for all who come before:
daily runs before imports, and of these the account that was read longest ago. So a household with twenty meters gathers
its calls, and none is passed over every day because its minute is late.

**The second.** Each call books the next free instant, so callers are served in the order in which they ask. If the
holder of an instant dies, only that instant is lost. A caller that asks late still goes, and the next one keeps its
distance to it.

**Pauses.** After a 429 nobody calls for a while, and after a refused token nobody with the same credentials: their
instants move to the end of the pause.
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
"""Seconds of the first and of the longest pause after a refusal for which GRDF names no time. It doubles while refusals
continue."""
IMPORTS_AT_LEAST = 100
"""History imports always get at least one call in this many per day. Without it, an import would never finish when the
daily runs need every call."""
KEPT = 3600.0
"""How long a task that waits is kept in mind after the time at which it was to ask again, in seconds. The scheduler may
be slow when thousands of tasks come due. After that the task is considered dead."""
SET_BACK = 60.0
"""By how many seconds a machine's clock must be behind the last call for it to have been set back."""
BIN = 300
"""Length in seconds of the intervals in which calls are counted, which makes a day some 300 numbers. Rounding errs on
the safe side."""


@dataclass
class Ticket:
    """A call that is to be made, and its place in the queue, which :meth:`QuotaState.request_call` writes.

    :param booking: the calls of its task
    :param at: the booked instant (epoch seconds); 0 if there is none yet
    :param counted: the five-minute interval in which the call is counted
    :param went: when the call was let go (epoch seconds); 0 if it was not
    """

    purpose: Purpose = "daily"
    booking: Booking = field(default_factory=Booking)
    at: float = 0.0
    counted: int = 0
    went: float = 0.0


class Wait(NamedTuple):
    """How long a caller has to wait before it asks again.

    :param seconds: 0 to call now. A caller that is delayed before sending asks again, too
    :param reason: it waits for its turn, for the end of a pause after a 429 or after a refused token, or for calls of
        the day that stop counting
    """

    seconds: float
    reason: Literal["turn", "pause", "token", "day"] = "turn"


@dataclass
class Pause:
    """A time in which nobody calls.

    :param until: its end (epoch seconds)
    :param length: its length, unless GRDF named the time (seconds)
    :param credentials: a fingerprint of those that it concerns; ``""`` for all
    """

    until: float = 0.0
    length: float = 0.0
    credentials: str = ""

    def begin(self, now: float, seconds: float | None = None, credentials: str = "") -> float:
        """Pause, for twice as long as the last time if that was just now. Return for how long.

        :param seconds: for how long, if GRDF names the time
        """
        if seconds:
            self.until = max(self.until, now + min(seconds, DAY))
        elif self.until <= now:  # otherwise the call was sent before the pause began
            lasts = now - self.until < max(60.0, 2 * self.length)
            self.length = min(2 * self.length, LONGEST_PAUSE) if lasts and self.length else FIRST_PAUSE
            self.until, self.credentials = now + self.length, credentials
        return self.until - now


@dataclass
class Waiting:
    """A task that waits for calls of the day.

    :param calls: how many it needs
    :param history: whether it belongs to a history import
    :param since: when its account was last read (epoch seconds)
    :param until: it is dropped if it has not asked again by then (epoch seconds)
    """

    calls: int
    history: bool
    since: float
    until: float


@dataclass
class QuotaState:
    """The shared state of one client's quota, and who may call when.

    :param last: when the last call was let go (epoch seconds)
    :param free: the first instant that is not booked (epoch seconds)
    :param fleet: calls per day that the daily runs of all accounts need, if known
    :param calls: how many calls were made, by five-minute interval since 1970 and by purpose
    :param waiting: the tasks that wait for calls of the day, by name
    :param pause: the pause after a 429
    :param refusal: the pause after GRDF refused a token, for those with the same credentials
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
        """Return the ledger that :meth:`to_text` wrote without what does not count any more. ``None`` is an empty one.

        :raises msgspec.MsgspecError: if the text is not a ledger
        """
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
        """Return how many calls still count: all of them, and those of history imports."""
        return sum(sum(made.values()) for made in self.calls.values()), self._count_made("history")

    def share(self, quota: Quota, purpose: Purpose) -> int:
        """Return the calls per day that are available for a purpose.

        History imports leave half of the day unused, or more if daily runs need it. These are expected to need what
        they made in the last day and wait for, or what the fleet is known to need, and a twentieth, so that imports do
        not delay a morning that starts a little earlier than the last one.
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
        """Ask for permission to make a call, or ask again with the same ticket.

        A caller that was let go but was delayed before sending may go at once if nobody else went in between; the
        others then keep their distance to the new time. If somebody did go, the call is treated as late.

        A call for which a person waits takes the next instant: those that are booked keep their distance to it. Daily
        runs book as far ahead as they are prepared to wait. History imports book at most the next two instants,
        so a daily run never waits behind more than two of them.

        :param patience: how many seconds ahead to book at most; if it would take longer, nothing is booked
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
        """Count a task's calls if there is room for all of them in the day, and return from when on there is."""
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
        """Return from when on there is room for a task's calls beside those of the tasks that come before it."""
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
        return max(at, now + BIN)  # more is wanted than fits into a day

    def _pause(self, now: float, purpose: Purpose, credentials: str) -> tuple[float, Literal["turn", "pause", "token"]]:
        """Return until when a call waits for the end of a pause, and why."""
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
    """Return when the calls of an interval stop counting: after 24 hours, and not before the end of their Paris day."""
    end = (at + 1) * BIN
    day = datetime.fromtimestamp(at * BIN, UTC).astimezone(PARIS).date()
    midnight = datetime.combine(day + timedelta(days=1), time(), PARIS)
    return max(end + DAY, midnight.timestamp())
