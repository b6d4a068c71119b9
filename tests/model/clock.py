"""A town's clock for GRDF and the project alone: hypothesis, pytest and requests keep the machine's time."""

from __future__ import annotations

import datetime as real
import itertools
import sys
import threading
import time
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any
from unittest import mock

import jwt
import pytest
from greenlet import greenlet


class Clock:
    def __init__(self, now: real.datetime) -> None:
        self.now = now
        self.ticks = 0.0
        self.main: greenlet | None = None
        self.asleep: list[tuple[float, int, greenlet]] = []
        self.number = itertools.count()
        self.thread = threading.get_ident()

    def pass_(self, seconds: float) -> None:
        """Let time pass for who asks. A worker that sleeps lets the others go on."""
        worker = greenlet.getcurrent()
        at_once = self.main is not None and worker is not self.main and threading.get_ident() == self.thread
        if at_once and seconds > 0.05:
            self.asleep.append((self.ticks + seconds, next(self.number), worker))
            self.main.switch()  # type: ignore[union-attr]
        else:
            self.advance(seconds)

    def advance(self, seconds: float) -> None:
        self.now += real.timedelta(seconds=seconds)
        self.ticks += seconds

    def until(self, moment: real.datetime) -> None:
        self.pass_(max(0.0, (moment - self.now).total_seconds()))

    def run_at_once(self, works: Iterable[tuple[float, Callable[[], Any]]], hours: float) -> None:
        """Each begins from its second on. What lasts longer than some hours is ended."""
        self.main, end = greenlet.getcurrent(), self.ticks + 3600 * hours
        self.asleep = [(self.ticks + at, next(self.number), greenlet(do)) for at, do in works]
        try:
            while self.asleep:
                first = min(self.asleep, key=lambda each: each[:2])
                if first[0] > end:
                    for _, _, late in self.asleep:
                        late.throw()
                    return
                self.asleep.remove(first)
                self.advance(max(0.0, first[0] - self.ticks))
                first[2].switch()
        finally:
            self.main = None


class _Face:
    """The clock of the town of the moment. No two calls return the same time."""

    clock: Clock

    def at(self) -> real.datetime:
        self.clock.pass_(0.001)
        return self.clock.now

    def ticks(self) -> float:
        self.clock.pass_(0.001)
        return self.clock.ticks

    def sleep(self, seconds: float) -> None:
        self.clock.pass_(seconds)


FACE = _Face()


class _Kind(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, real.datetime)


class _Told(real.datetime, metaclass=_Kind):
    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return FACE.at().astimezone(tz)


_TIME = SimpleNamespace(
    **{name: getattr(time, name) for name in dir(time) if not name.startswith("_")}
    | {"time": lambda: FACE.at().timestamp(), "monotonic": FACE.ticks, "sleep": FACE.sleep}
)


def _decoded(*arguments: Any, **more: Any) -> Any:
    with mock.patch("jwt.api_jwt.datetime", _Told):
        return jwt.decode(*arguments, **more)


def replace_clock(patch: pytest.MonkeyPatch) -> None:
    """All modules must have been imported before."""
    from grdf.quota.governor import Governor
    from include.gas.answers import id_token

    for name, module in list(sys.modules.items()):
        if name.startswith(("grdf.", "include.gas.", "include.sandbox.adict.")):
            if module.__dict__.get("datetime") is real.datetime:
                patch.setattr(module, "datetime", _Told)
            if module.__dict__.get("time") is time:
                patch.setattr(module, "time", _TIME)
    patch.setattr(id_token, "jwt", SimpleNamespace(**{**vars(jwt), "decode": _decoded}))
    patch.setitem(Governor.__init__.__kwdefaults__, "sleep", FACE.sleep)
    patch.setitem(Governor.__init__.__kwdefaults__, "clock", FACE.ticks)
