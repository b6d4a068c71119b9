"""The town's time, and workers that run at the same time on it."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable
from typing import Any

from greenlet import greenlet

from tests.model.clock import Clock


class TownClock(Clock):
    """The town's time. A worker that sleeps lets the others go on."""

    hub: Hub | None = None
    thread = threading.get_ident()

    def pass_(self, seconds: float) -> None:
        here = threading.get_ident() == self.thread  # and not where the page is
        if self.hub is not None and here and seconds > 0.05 and greenlet.getcurrent() is not self.hub.main:
            self.hub.sleep(seconds)
        else:
            super().pass_(seconds)


class Hub:
    """Workers that run at the same time."""

    def __init__(self, clock: TownClock) -> None:
        self.clock, self.main = clock, greenlet.getcurrent()
        self.waiting: list[tuple[float, int, greenlet]] = []
        self.number = itertools.count()

    def sleep(self, seconds: float) -> None:
        """Let others go on until so many seconds have passed."""
        self.waiting.append((self.clock.ticks + seconds, next(self.number), greenlet.getcurrent()))
        self.main.switch()

    def go(self, works: Iterable[tuple[float, Callable[[], Any]]], hours: float) -> None:
        """Run everything, each from its second on. Who has not ended after so many hours is ended."""
        end = self.clock.ticks + 3600 * hours
        self.waiting += [(self.clock.ticks + at, next(self.number), greenlet(do)) for at, do in works]
        while self.waiting:
            first = min(self.waiting, key=lambda each: each[:2])
            if first[0] > end:
                for _, _, late in self.waiting:
                    late.throw()
                return
            self.waiting.remove(first)
            Clock.pass_(self.clock, max(0.0, first[0] - self.clock.ticks))
            first[2].switch()
