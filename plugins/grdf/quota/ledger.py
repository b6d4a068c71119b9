"""GRDF's quota as arithmetic: who may call when, with what is left of the day. The shared state is a small text.

GRDF allows 1 call a second and 6,000 a day, over all endpoints together, then answers 429 (contract annex 4, for parks
under 5,000 meters; ADICT 3.8). It does not say when its day begins, so both meanings are kept: a call counts until
24 hours have passed and the Paris day it was made on is over, which is later once a year, on the day of 25 hours.

Calls are booked: each gets the next free instant, so whoever asks first goes first. An instant that nobody uses,
because its holder died, costs one instant and no more. Whoever is late goes late; the next still keeps its distance.
Among those who are late the first to come goes, since waiting for one in particular leaves instants unused; whoever
has come too late so often that others overtook it many times is waited for.

A task that makes several calls books all of them for the day when it asks for the first: what is free now is kept for
it, and the rest from the moment on at which enough calls count no more. So a household with twenty meters does not
come for one call at a time, each time behind all who have but one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache

from grdf.quota.allowance import _AT_ONCE, DAY, Bearer, Block, Claim, Go, Purpose, Quota, Spent, Ticket, Wait
from include.gas.days.gas_day import PARIS

FIRST_PAUSE, LONGEST_PAUSE = 2.0, 300.0
"""Seconds of the pause after a 429 that names no time; it doubles while 429s go on."""
LONGEST_DOUBT = 3600.0
"""Seconds of the longest pause after the token that all share was refused, and a new one too; it begins with two."""
PROBE = 90.0
"""Seconds that others wait at most while one worker finds out whether GRDF takes a new token."""
LOOK_AGAIN = 2.0
"""Seconds after which they look whether it is known: mostly it is at once."""
FORGIVEN = 10
"""Calls that GRDF takes after a pause; a 429 after so many is a stray one and pauses for the shortest."""
OVERTAKEN = 30
"""Times that others go before somebody whose turn it is, until the next instant is kept for it. More than the tasks
that wait at once on most installations: with fewer, the instants that are kept for one cost up to 15 % of the pace."""
LONGEST_QUEUE = 3600.0
"""Seconds ahead of which nobody books an instant: six times what the most patient are ready to wait."""
BLOCK_KEPT = 3600.0
"""Seconds for which booked calls are kept for a task beyond the time at which it was to come: the scheduler may be slow
when thousands come. After that it is taken for dead."""
AHEAD = 300.0
"""Seconds by which another clock may be ahead. What lies further ahead than it can counts as now: a clock was wrong,
and nobody must wait for that."""
FORGOTTEN = 600
"""Fives of minutes whose calls no longer count that are kept all the same, newest last: more than two days of them. A
clock that is ahead finds that none counts any more, and they count again once it is set right."""
_BIN = 300
"""Seconds that are counted together: the day's calls are kept as some 300 numbers. Rounded to the careful side."""


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
    :param blocks: by name of the task, the calls that are booked for it and not made yet
    :param links: by the same numbers, how many of those calls households' links have begun
    :param doubt_until: for so long nobody calls, since GRDF refused the token that all share (epoch seconds)
    :param doubt: how long the last pause for that was (seconds); 0 while somebody finds out
    :param doubted: the credentials that GRDF refuses
    :param prober: the worker who finds out
    :param fleet: calls that the daily runs of all accounts need in a day, as far as somebody has said
    :param past: by the same numbers, what no longer counts: calls of daily runs, of imports, and begun by links
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
    blocks: dict[str, Block] = field(default_factory=dict)
    links: dict[int, int] = field(default_factory=dict)
    doubt_until: float = 0.0
    doubt: float = 0.0
    doubted: str = ""
    prober: str = ""
    fleet: int = 0
    past: dict[int, list[int]] = field(default_factory=dict)

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
            blocks = {
                str(name): Block(int(ready), int(later), float(at), bool(history), float(until))
                for name, (ready, later, at, history, until) in told.get("blocks", {}).items()
            }
            numbers = {name: float(told[name]) for name in ("last", "free", "paused_until", "backoff")}
            later = ("kept_for", "kept_until", "doubt_until", "doubt")
            numbers |= {name: float(told.get(name, 0.0)) for name in later}
            return cls(
                **numbers,
                epoch=int(told["epoch"]),
                since=int(told.get("since", 0)),
                fleet=int(told.get("fleet", 0)),
                doubted=str(told.get("doubted", "")),
                prober=str(told.get("prober", "")),
                calls=calls,
                promised=promised,
                blocks=blocks,
                links={int(at): int(calls) for at, calls in told.get("links", {}).items()},
                past={
                    int(at): [int(daily), int(history), int(links)]
                    for at, (daily, history, links) in told.get("past", {}).items()
                },
            )
        except (ValueError, TypeError, KeyError, AttributeError):
            raise ValueError("no ledger of calls") from None

    def text(self) -> str:
        """Write the ledger down."""
        blocks = {
            name: (block.ready, block.later, block.at, block.history, block.until)
            for name, block in self.blocks.items()
        }
        return json.dumps(vars(self) | {"blocks": blocks}, separators=(",", ":"))

    def used(self) -> tuple[int, int]:
        """Count the calls that still matter: all of them, and those of history imports."""
        history = sum(count[1] for count in self.calls.values())
        return history + sum(count[0] for count in self.calls.values()), history

    def wanted_daily(self) -> int:
        """Count the calls that daily runs will want in a day: those of the last one, and what is booked for others.

        Or those that the fleet is known to need, if it has not made so many. And a twentieth more, so that a morning
        that comes a little earlier than the last is not held up by imports.
        """
        total, history = self.used()
        booked = sum(block.ready + block.later for block in self.blocks.values() if not block.history)
        daily = max(total - history + booked, self.fleet)
        return daily + daily // 20

    def left(self, now: float, quota: Quota, purpose: Purpose) -> int:
        """Count the calls that may still be made now within the day's quota and that nobody has booked.

        :param now: the shared clock (epoch seconds)
        :param quota: what the client may do
        :param purpose: for whom
        """
        self._tidy(now)
        if purpose == "link":
            return max(0, quota.links - sum(self.links.values()))
        return max(0, self._rooms(now, quota, purpose)[0][1])

    def ask(
        self,
        now: float,
        quota: Quota,
        purpose: Purpose,
        ticket: Ticket | None,
        *,
        patience: float,
        claim: Claim | None = None,
        bearer: Bearer | None = None,
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
        :param claim: the calls of which this is one, if there are more
        :param bearer: whose call it is
        """
        self._tidy(now)
        if ticket is None and purpose == "link" and not self.left(now, quota, purpose):
            return Spent(min(map(_leaves, self.links), default=now + _BIN))
        if ticket is None and purpose not in _AT_ONCE:
            spent = self._book(now, quota, purpose, claim) if claim else self._look(now, quota, purpose)
            if spent is not None:
                return spent
        if hold := self._doubt_for(now, purpose, bearer):
            return self._come_again(claim, now, Wait(hold, ticket, paused=True, token=True))
        if self.paused_until > now:
            return self._come_again(claim, now, Wait(self.paused_until - now, ticket, paused=True))
        if ticket is None or ticket.epoch != self.epoch or ticket.at > self.free + AHEAD:
            # Whoever finds out whether a new token is taken goes before those who wait for that.
            probes = bearer is not None and bearer.data and bearer.worker == self.prober != ""
            at = max(now, self.last + quota.distance if probes else self.free)
            if purpose == "history" and at - now > 2 * quota.distance:
                return self._come_again(claim, now, Wait(at - now - 2 * quota.distance, ticket))
            if at - now > patience:
                return self._come_again(claim, now, Wait(at - now, ticket))
            counted = ticket.counted if ticket else self._count(now, purpose, claim)
            ticket = Ticket(at, self.epoch, counted=counted)
            self.free = max(self.free, at + quota.distance) if probes else at + quota.distance
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

    def take_back(self, now: float, purpose: Purpose, ticket: Ticket, claim: Claim | None) -> None:
        """Count a call no more that was booked and will not be made: its task gives up for now.

        :param now: the shared clock (epoch seconds)
        :param purpose: what the call was for
        :param ticket: its booking
        :param claim: the calls of which it is one: it stays kept for the task
        """
        count = self.calls.get(ticket.counted)
        if count is None or not count[purpose == "history"]:
            return
        count[purpose == "history"] -= 1
        if purpose == "link" and ticket.counted in self.links:
            self.links[ticket.counted] -= 1
        if claim and purpose not in _AT_ONCE:
            until = max(self.paused_until, now) + BLOCK_KEPT
            block = self.blocks.setdefault(claim.name, Block(0, 0, now, purpose == "history", until))
            block.ready += 1
            block.until = until

    def release(self, name: str) -> None:
        """Let others have what a task had booked and does not need.

        :param name: the task
        """
        self.blocks.pop(name, None)

    def token_refused(self, now: float, bearer: Bearer) -> bool:
        """GRDF refused the token that all share: nobody else calls until it is known whether it takes a new one.

        :param now: the shared clock (epoch seconds)
        :param bearer: whose call it was
        :return: whether this worker is the one to find out
        """
        if self.prober and self.prober != bearer.worker and self.doubt_until > now:
            return False
        if self.doubt_until <= now:
            self.doubt = self.doubt if now - self.doubt_until < max(60.0, 2 * self.doubt) else 0.0
            self.doubt_until = now + PROBE
        self.prober, self.doubted = bearer.worker, bearer.credentials
        return True

    def token_judged(self, now: float, bearer: Bearer, *, refused: bool | None) -> float:
        """Note whether GRDF takes a new token.

        :param now: the shared clock (epoch seconds)
        :param bearer: whose call it was
        :param refused: whether it was refused, too; ``None`` when nobody knows
        :return: seconds for which nobody calls
        """
        if refused is None and self.prober != bearer.worker:
            return 0.0
        self.prober = ""
        if refused:
            self.doubt = min(2 * self.doubt, LONGEST_DOUBT) if self.doubt else FIRST_PAUSE
            self.doubt_until, self.doubted = now + self.doubt, bearer.credentials
        else:
            self.doubt, self.doubt_until = (0.0 if refused is False else self.doubt), now
        return self.doubt_until - now

    def _doubt_for(self, now: float, purpose: Purpose, bearer: Bearer | None) -> float:
        """Return for how many seconds a call waits since GRDF refuses the token of all: other credentials do not."""
        if bearer is None or purpose in _AT_ONCE or self.doubt_until <= now or bearer.credentials != self.doubted:
            return 0.0
        if self.prober and (not bearer.data or bearer.worker == self.prober):
            return 0.0
        return min(self.doubt_until - now, LOOK_AGAIN) if self.prober else self.doubt_until - now

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
        """Count no more what no longer counts; go along with a clock that was set back."""
        for at in [at for at in self.past if _leaves(at) > now]:
            daily, history, links = self.past.pop(at)
            here = self.calls.setdefault(at, [0, 0])
            here[:] = here[0] + daily, here[1] + history
            self.links[at] = self.links.get(at, 0) + links
        self._come_back(now)
        for at in [at for at in self.calls if _leaves(at) <= now]:
            self.past[at] = [*self.calls.pop(at), self.links.pop(at, 0)]
        self.past = dict(list(self.past.items())[-FORGOTTEN:])
        self.promised = {at: count for at, count in self.promised.items() if at in self.calls}
        self.links = {at: count for at, count in self.links.items() if at in self.calls and count}
        self.blocks = {name: block for name, block in self.blocks.items() if block.until > now}
        if (back := self.last - now) > 0:
            self.last, self.free, self.paused_until = now, self.free - back, self.paused_until - back
            self.kept_until = 0.0

    def _come_back(self, now: float) -> None:
        """Let what lies further ahead than it can count as now."""
        this = int(now // _BIN)
        for at in [at for at in self.calls if at * _BIN > now + AHEAD]:
            self.promised.pop(at, None)
            self.links[this] = self.links.get(this, 0) + self.links.pop(at, 0)
            here = self.calls.setdefault(this, [0, 0])
            here[:] = [one + other for one, other in zip(here, self.calls.pop(at), strict=True)]
        if self.paused_until > now + DAY + AHEAD:
            self.paused_until = now
        if self.free > max(now, self.paused_until) + LONGEST_QUEUE:
            self.free = max(now, self.paused_until)
        if self.doubt_until > now + LONGEST_DOUBT + AHEAD:
            self.doubt_until = now
        if self.kept_until > now + LONGEST_QUEUE:
            self.kept_until = 0.0
        for block in self.blocks.values():
            if block.at > now + 2 * DAY:  # no call counts for longer
                block.at = now
            block.until = min(block.until, max(now, block.at) + LONGEST_QUEUE + BLOCK_KEPT + DAY)

    def _look(self, now: float, quota: Quota, purpose: Purpose) -> Spent | None:
        return None if self._rooms(now, quota, purpose)[0][1] >= 1 else Spent(self._promise(now, quota, purpose))

    def _book(self, now: float, quota: Quota, purpose: Purpose, claim: Claim) -> Spent | None:
        """See that a call is kept for a task; at its first one, book all of them."""
        block = self.blocks.get(claim.name)
        if block is None or not block.ready or self.used()[0] >= quota.calls_per_day:
            # Whoever comes before its time, or too late for it, books anew, and never worse: nobody was let in since
            # for whom there was no room beside it.
            self.release(claim.name)
            wanted = block.ready + block.later if block else max(1, claim.calls)
            rooms = self._rooms(now, quota, purpose)
            ready = max(0, min(wanted, rooms[0][1]))
            at = now if ready == wanted else next((at for at, room in rooms if room >= wanted), None)
            if at is None and not ready:  # more is booked than a day holds
                return Spent(max(rooms[-1][0], now + _BIN))
            block = Block(ready, 0 if at is None else wanted - ready, at or now, purpose == "history", 0.0)
            self.blocks[claim.name] = block
        block.until = max(now, block.at) + BLOCK_KEPT
        return None if block.ready else Spent(max(block.at, now + 1.0))

    def _count(self, now: float, purpose: Purpose, claim: Claim | None) -> int:
        """Count a call, as one of those that its task has booked."""
        at = int(now // _BIN)
        self.calls.setdefault(at, [0, 0])[purpose == "history"] += 1
        if purpose == "link":
            self.links[at] = self.links.get(at, 0) + 1
        if claim and (block := self.blocks.get(claim.name)):
            block.ready -= 1
            if block.ready + block.later <= 0:
                self.release(claim.name)
        return at

    def _come_again(self, claim: Claim | None, now: float, wait: Wait) -> Wait:
        """Keep what a task has booked until it comes again."""
        if claim and (block := self.blocks.get(claim.name)):
            block.until = max(block.until, now + wait.seconds + BLOCK_KEPT)
        return wait

    def _rooms(self, now: float, quota: Quota, purpose: Purpose) -> list[tuple[float, int]]:
        """Tell from which moments on how many calls have room, without anybody losing what is booked.

        A daily run goes before what imports have booked for later.
        """
        changes: dict[float, tuple[int, int]] = {}
        level, imports = self.used()
        for block in self.blocks.values():
            level, imports = level + block.ready, imports + block.ready * block.history
            if block.later and (purpose == "history" or not block.history):
                total, past = changes.get(at := max(now, block.at), (0, 0))
                changes[at] = total + block.later, past + block.later * block.history
        for five, count in self.calls.items():
            total, past = changes.get(at := _leaves(five), (0, 0))
            changes[at] = total - sum(count), past - count[1]
        share = quota.share("history", self.wanted_daily())

        def room() -> int:
            left = quota.calls_per_day - level
            return min(left, share - imports) if purpose == "history" else left

        rooms = [(now, room())]
        for at, (total, past) in sorted(changes.items()):
            level, imports = level + total, imports + past
            rooms.append((at, room()))
        for place in range(len(rooms) - 2, -1, -1):
            rooms[place] = rooms[place][0], min(rooms[place][1], rooms[place + 1][1])
        return rooms

    def _promise(self, now: float, quota: Quota, purpose: Purpose) -> float:
        """Return when to come back, each one at a time of its own: thousands that come at once would find nothing."""
        if not self.calls:
            return now + _BIN
        total, history = self.used()
        booked = sum(block.ready + block.later for block in self.blocks.values())
        too_many = total + booked - quota.calls_per_day + 1
        much_history = history - quota.share("history", self.wanted_daily()) + 1
        last = max(self.calls)
        for at in sorted(self.calls):
            promised = self.promised.get(at, [0, 0])
            too_many -= sum(self.calls[at]) - sum(promised)
            much_history -= self.calls[at][1] - promised[1]
            if (too_many <= 0 and (purpose == "daily" or much_history <= 0)) or at == last:
                break
        self.promised.setdefault(at, [0, 0])[purpose == "history"] += 1
        return _leaves(at)


@lru_cache(maxsize=2048)
def _leaves(at: int) -> float:
    """Return when the calls of some five minutes no longer count: after a day, and when their Paris day is over."""
    end = (at + 1) * _BIN
    day = datetime.fromtimestamp(at * _BIN, UTC).astimezone(PARIS).date()
    midnight = datetime.combine(day + timedelta(days=1), time(), PARIS)
    return max(end + DAY, midnight.timestamp())
