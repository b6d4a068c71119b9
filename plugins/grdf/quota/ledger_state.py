"""What the ledger of calls remembers: its text, and what no longer counts as time goes on or a clock was set back.

A call counts until 24 hours have passed and the Paris day on which it was made is over
(:mod:`grdf.quota.ledger` says why).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from typing import Self

from grdf.quota.allowance import DAY, Block
from grdf.quota.token_doubt import LONGEST_DOUBT, TokenDoubt
from include.gas.days.gas_day import PARIS

LONGEST_QUEUE = 3600.0
"""How far ahead an instant may be booked, in seconds: six times the longest wait of any caller."""
BLOCK_KEPT = 3600.0
"""How long booked calls are kept for a task after the time at which it was to ask again, in seconds. The scheduler may
be slow when thousands of tasks come due. After that the task is considered dead."""
AHEAD = 300.0
"""How far another machine's clock may be ahead, in seconds. Anything further in the future than possible counts as now:
some clock was wrong, and nobody should wait because of it."""
FORGOTTEN = 600
"""How many five-minute intervals are kept after their calls stop counting, newest last: more than two days. A clock
that is ahead makes all calls stop counting; they count again once the clock is corrected."""
BIN = 300
"""Length in seconds of the intervals in which calls are counted, which makes a day some 300 numbers. Rounding errs on
the safe side."""


@dataclass
class LedgerState:
    """The shared state of one client's quota.

    :param last: when the last call was let go (epoch seconds)
    :param free: the first instant that is not booked (epoch seconds)
    :param epoch: number of pauses so far
    :param paused_until: end of the last pause (epoch seconds)
    :param backoff: length of the last pause after a 429 without ``Retry-After`` (seconds)
    :param since: calls that were let go since the last pause
    :param kept_for: the instant of the booking that all later bookings wait for, if there is one
    :param kept_until: how long they wait for it (epoch seconds)
    :param calls: calls of daily runs and of history imports, by five-minute interval since 1970
    :param promised: how many callers were told to return when those calls stop counting, by the same intervals
    :param blocks: calls that are booked for a task and not made yet, by the task's name
    :param links: how many of the counted calls were started by households' links, by the same intervals
    :param trials: how many of them were made by trying values, by the same intervals
    :param doubt: whether GRDF refuses the token that all share
    :param fleet: calls per day that the daily runs of all accounts need, if known
    :param past: calls that no longer count, by the same intervals: of daily runs, of imports, and started by links
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
    trials: dict[int, int] = field(default_factory=dict)
    doubt: TokenDoubt = field(default_factory=TokenDoubt)
    fleet: int = 0
    past: dict[int, list[int]] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str | None) -> Self:
        """Return the ledger that :meth:`text` wrote, or an empty ledger for ``None``.

        :raises ValueError: if the text is not a ledger
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
            numbers |= {name: float(told.get(name, 0.0)) for name in ("kept_for", "kept_until")}
            return cls(
                **numbers,
                epoch=int(told["epoch"]),
                since=int(told.get("since", 0)),
                fleet=int(told.get("fleet", 0)),
                doubt=TokenDoubt(
                    float(told.get("doubt_until", 0.0)),
                    float(told.get("doubt", 0.0)),
                    str(told.get("doubted", "")),
                    str(told.get("prober", "")),
                ),
                calls=calls,
                promised=promised,
                blocks=blocks,
                links={int(at): int(calls) for at, calls in told.get("links", {}).items()},
                trials={int(at): int(calls) for at, calls in told.get("trials", {}).items()},
                past={
                    int(at): [int(daily), int(history), int(links)]
                    for at, (daily, history, links) in told.get("past", {}).items()
                },
            )
        except (ValueError, TypeError, KeyError, AttributeError):
            raise ValueError("no ledger of calls") from None

    def text(self) -> str:
        """Return the ledger as text."""
        blocks = {
            name: (block.ready, block.later, block.at, block.history, block.until)
            for name, block in self.blocks.items()
        }
        doubt = {
            "doubt_until": self.doubt.until,
            "doubt": self.doubt.pause,
            "doubted": self.doubt.credentials,
            "prober": self.doubt.prober,
        }
        return json.dumps(vars(self) | {"blocks": blocks} | doubt, separators=(",", ":"))

    def used(self) -> tuple[int, int]:
        """Return how many calls still count: all of them, and those of history imports."""
        history = sum(count[1] for count in self.calls.values())
        return history + sum(count[0] for count in self.calls.values()), history

    def _tidy(self, now: float) -> None:
        """Drop what no longer counts, and adjust to a clock that was set back."""
        for at in [at for at in self.past if counted_until(at) > now]:
            daily, history, links = self.past.pop(at)
            here = self.calls.setdefault(at, [0, 0])
            here[:] = here[0] + daily, here[1] + history
            self.links[at] = self.links.get(at, 0) + links
        self._come_back(now)
        for at in [at for at in self.calls if counted_until(at) <= now]:
            self.past[at] = [*self.calls.pop(at), self.links.pop(at, 0)]
        self.past = dict(list(self.past.items())[-FORGOTTEN:])
        self.promised = {at: count for at, count in self.promised.items() if at in self.calls}
        self.links = {at: count for at, count in self.links.items() if at in self.calls and count}
        self.trials = {at: count for at, count in self.trials.items() if at in self.calls and count}
        self.blocks = {name: block for name, block in self.blocks.items() if block.until > now}
        if (back := self.last - now) > 0:
            self.last, self.free, self.paused_until = now, self.free - back, self.paused_until - back
            self.kept_until = 0.0

    def _come_back(self, now: float) -> None:
        """Treat anything that is further in the future than possible as now."""
        this = int(now // BIN)
        for at in [at for at in self.calls if at * BIN > now + AHEAD]:
            self.promised.pop(at, None)
            self.links[this] = self.links.get(this, 0) + self.links.pop(at, 0)
            self.trials[this] = self.trials.get(this, 0) + self.trials.pop(at, 0)
            here = self.calls.setdefault(this, [0, 0])
            here[:] = [one + other for one, other in zip(here, self.calls.pop(at), strict=True)]
        if self.paused_until > now + DAY + AHEAD:
            self.paused_until = now
        if self.free > max(now, self.paused_until) + LONGEST_QUEUE:
            self.free = max(now, self.paused_until)
        if self.doubt.until > now + LONGEST_DOUBT + AHEAD:
            self.doubt.until = now
        if self.kept_until > now + LONGEST_QUEUE:
            self.kept_until = 0.0
        for block in self.blocks.values():
            if block.at > now + 2 * DAY:  # no call counts for longer than that
                block.at = now
            block.until = min(block.until, max(now, block.at) + LONGEST_QUEUE + BLOCK_KEPT + DAY)


@lru_cache(maxsize=2048)
def counted_until(at: int) -> float:
    """Return when the calls of an interval stop counting: after 24 hours, and not before the end of their Paris day."""
    end = (at + 1) * BIN
    day = datetime.fromtimestamp(at * BIN, UTC).astimezone(PARIS).date()
    midnight = datetime.combine(day + timedelta(days=1), time(), PARIS)
    return max(end + DAY, midnight.timestamp())
