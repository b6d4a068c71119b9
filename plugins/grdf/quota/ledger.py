"""The arithmetic of GRDF's quota: who may call when, and how much of the day is left. The state is a short text.

GRDF allows 1 call per second and 6,000 per day over all endpoints together, then answers 429 (contract annex 4, for
fewer than 5,000 meters; ADICT 3.8). It does not say when its day begins, so both interpretations are honoured: a call
counts until 24 hours have passed and the Paris day on which it was made is over. The second is later on one day a year,
the day of 25 hours.

Calls are booked. Each gets the next free instant, so callers are served in the order in which they ask. If the holder
of an instant dies, only that instant is lost. A caller that asks late still goes, and the next one keeps its distance
to it. Among late callers the first to ask goes first, because waiting for a particular one would waste instants. A late
caller that has been overtaken many times gets an instant kept for it.

A task that makes several calls books all of them for the day when it asks for the first. The calls that are free now
are kept for it, and the rest are booked from the moment when enough earlier calls stop counting. Otherwise a household
with twenty meters would queue for each call separately, each time behind all households with one meter.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from grdf.quota.allowance import AT_ONCE, DAY, Bearer, Block, Claim, Go, Purpose, Quota, Spent, Ticket, Wait
from grdf.quota.ledger_state import AHEAD, BIN, BLOCK_KEPT, LedgerState, counted_until

FIRST_PAUSE, LONGEST_PAUSE = 2.0, 300.0
"""Seconds of the first and of the longest pause after a 429 without ``Retry-After``. The pause doubles while 429s
continue."""
FORGIVEN = 10
"""Calls that GRDF must accept after a pause before the next 429 counts as an isolated one, with the shortest pause."""
OVERTAKEN = 30
"""How often others may go first before the next instant is kept for a caller whose turn has come. This is more than the
number of tasks that wait at once on most installations. With a smaller number, kept instants cost up to 15 % of the
rate."""


@dataclass
class Ledger(LedgerState):
    """The shared state of one client's quota, and who may call when."""

    def wanted_daily(self) -> int:
        """Return how many calls daily runs are expected to need in a day.

        These are the calls of the last day plus those booked for other daily runs, or the number that the fleet is
        known to need if that is larger. A twentieth is added so that imports do not delay a morning that starts a
        little earlier than the last one.
        """
        total, history = self.used()
        booked = sum(block.ready + block.later for block in self.blocks.values() if not block.history)
        daily = max(total - history + booked, self.fleet)
        return daily + daily // 20

    def left(self, now: float, quota: Quota, purpose: Purpose) -> int:
        """Return how many calls may still be made now within the daily quota and are not booked.

        :param now: the shared clock (epoch seconds)
        """
        self._tidy(now)
        if (own := self._own(purpose)) is not None:
            return max(0, (quota.links if purpose == "link" else quota.trials) - sum(own.values()))
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
        """Ask for permission to make a call, or ask again with the ticket from an earlier request.

        A caller that was let go but was delayed before sending may go at once if nobody else went in between; the
        others then keep their distance to the new time. If somebody did go, the call is treated as late.

        Daily runs book as far ahead as they are prepared to wait. History imports book at most the next two instants,
        so a daily run never waits behind more than two of them.

        :param now: the shared clock (epoch seconds)
        :param ticket: the ticket from an earlier :class:`Wait`
        :param patience: how many seconds ahead to book at most; if it would take longer, nothing is booked
        :param claim: the calls of the task, if it makes several
        :param bearer: who makes the call
        """
        self._tidy(now)
        own = self._own(purpose)
        if ticket is None and own is not None and not self.left(now, quota, purpose):
            return Spent(min(map(counted_until, own), default=now + BIN))
        if ticket is None and purpose not in AT_ONCE:
            spent = self._book(now, quota, purpose, claim) if claim else self._look(now, quota, purpose)
            if spent is not None:
                return spent
        if hold := self.doubt.wait(now, purpose, bearer):
            return self._come_again(claim, now, Wait(hold, ticket, paused=True, token=True))
        if self.paused_until > now:
            return self._come_again(claim, now, Wait(self.paused_until - now, ticket, paused=True))
        if ticket is None or ticket.epoch != self.epoch or ticket.at > self.free + AHEAD:
            probes = self.doubt.probes(bearer)
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
        """Stop counting a booked call that will not be made because its task gives up for now.

        :param now: the shared clock (epoch seconds)
        :param purpose: what the call was for
        :param ticket: its booking
        :param claim: the calls of the task; this one is kept for the task
        """
        count = self.calls.get(ticket.counted)
        if count is None or not count[purpose == "history"]:
            return
        count[purpose == "history"] -= 1
        if (own := self._own(purpose)) and ticket.counted in own:
            own[ticket.counted] -= 1
        if claim and purpose not in AT_ONCE:
            until = max(self.paused_until, now) + BLOCK_KEPT
            block = self.blocks.setdefault(claim.name, Block(0, 0, now, purpose == "history", until))
            block.ready += 1
            block.until = until

    def release(self, name: str) -> None:
        """Release the calls that a task has booked and does not need.

        :param name: the task, see :class:`Claim`
        """
        self.blocks.pop(name, None)

    def refused(self, now: float, retry_after: float | None) -> float:
        """Record that GRDF answered 429. Nobody calls for a while.

        :param now: the shared clock (epoch seconds)
        :param retry_after: the answer's ``Retry-After`` in seconds, if it had one
        :return: seconds that the pause still lasts
        """
        if not retry_after and self.paused_until > now:
            return self.paused_until - now  # the call was sent before the pause began
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
        """Count that others went first.

        After too many times, keep the next instant, plus one in case the caller is late.
        """
        if now < max(ticket.at, ticket.due):
            return ticket  # it came early
        ticket = Ticket(ticket.at, ticket.epoch, ticket.overtaken + 1, start)
        if ticket.overtaken >= OVERTAKEN and (now >= self.kept_until or ticket.at <= self.kept_for):
            self.kept_for, self.kept_until = ticket.at, start + quota.distance
        return ticket

    def _look(self, now: float, quota: Quota, purpose: Purpose) -> Spent | None:
        return None if self._rooms(now, quota, purpose)[0][1] >= 1 else Spent(self._promise(now, quota, purpose))

    def _book(self, now: float, quota: Quota, purpose: Purpose, claim: Claim) -> Spent | None:
        """Make sure that a call is kept for a task. On its first call, book all of them."""
        block = self.blocks.get(claim.name)
        if block is None or not block.ready or self.used()[0] >= quota.calls_per_day:
            # A task that asks too early or too late books again. It is never worse off: in the meantime nobody was
            # admitted for whom there was no room beside it.
            self.release(claim.name)
            wanted = block.ready + block.later if block else max(1, claim.calls)
            rooms = self._rooms(now, quota, purpose)
            ready = max(0, min(wanted, rooms[0][1]))
            at = now if ready == wanted else next((at for at, room in rooms if room >= wanted), None)
            if at is None and not ready:  # more is booked than fits into a day
                return Spent(max(rooms[-1][0], now + BIN))
            block = Block(ready, 0 if at is None else wanted - ready, at or now, purpose == "history", 0.0)
            self.blocks[claim.name] = block
        block.until = max(now, block.at) + BLOCK_KEPT
        return None if block.ready else Spent(max(block.at, now + 1.0))

    def _count(self, now: float, purpose: Purpose, claim: Claim | None) -> int:
        """Count a call, and take it from the calls that its task has booked."""
        at = int(now // BIN)
        self.calls.setdefault(at, [0, 0])[purpose == "history"] += 1
        if (own := self._own(purpose)) is not None:
            own[at] = own.get(at, 0) + 1
        if claim and (block := self.blocks.get(claim.name)):
            block.ready -= 1
            if block.ready + block.later <= 0:
                self.release(claim.name)
        return at

    def _own(self, purpose: Purpose) -> dict[int, int] | None:
        """Return the calls of a purpose that has a budget of its own, by interval."""
        return self.links if purpose == "link" else self.trials if purpose == "trial" else None

    def _come_again(self, claim: Claim | None, now: float, wait: Wait) -> Wait:
        """Keep the calls that a task has booked until it asks again."""
        if claim and (block := self.blocks.get(claim.name)):
            block.until = max(block.until, now + wait.seconds + BLOCK_KEPT)
        return wait

    def _rooms(self, now: float, quota: Quota, purpose: Purpose) -> list[tuple[float, int]]:
        """Return how many calls have room from which moments on, without taking any booked call away.

        Daily runs take precedence over what imports have booked for later.
        """
        changes: dict[float, tuple[int, int]] = {}
        level, imports = self.used()
        for block in self.blocks.values():
            level, imports = level + block.ready, imports + block.ready * block.history
            if block.later and (purpose == "history" or not block.history):
                total, past = changes.get(at := max(now, block.at), (0, 0))
                changes[at] = total + block.later, past + block.later * block.history
        for five, count in self.calls.items():
            total, past = changes.get(at := counted_until(five), (0, 0))
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
        """Return when to ask again.

        Callers get different times, because thousands that ask at once would find no calls left.
        """
        if not self.calls:
            return now + BIN
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
        return counted_until(at)
