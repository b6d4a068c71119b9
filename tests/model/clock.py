"""A clock that a life controls: GRDF's time, and the project's own.

The project's code and the sandbox use ``datetime.now`` and the module ``time`` by names in their own modules. Only
these names are replaced, so hypothesis, pytest and requests keep using the machine's time. So does PyJWT but where the
project asks it about an ``id_token``: Airflow asks it about its own.
"""

from __future__ import annotations

import datetime as real
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest import mock

import jwt

OURS, THEIRS = ("grdf.", "include.gas."), ("include.sandbox.adict.",)


class Clock:
    """The clock of one life.

    :param now: the time at the start, aware
    """

    def __init__(self, now: real.datetime) -> None:
        self.true = now
        self.ticks = 0.0

    @property
    def ours(self) -> real.datetime:
        """The time by the project's own clock."""
        return self.true

    def pass_(self, seconds: float) -> None:
        """Advance the clock."""
        self.true += real.timedelta(seconds=seconds)
        self.ticks += seconds

    def until(self, moment: real.datetime) -> None:
        """Advance the clock to a true time. Do nothing if that time has passed."""
        self.pass_(max(0.0, (moment - self.true).total_seconds()))


class _Face:
    """The clock that the replaced names use: that of the current life."""

    def __init__(self) -> None:
        self.clock: Clock | None = None

    def at(self, *, ours: bool) -> real.datetime:
        assert self.clock is not None, "no life is being led"
        self.clock.pass_(0.001)  # no two calls return the same time
        return self.clock.ours if ours else self.clock.true

    def sleep(self, seconds: float) -> None:
        assert self.clock is not None, "no life is being led"
        self.clock.pass_(seconds)


FACE = _Face()


def _replaced(*, ours: bool) -> tuple[type, SimpleNamespace]:
    class Kind(type):
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, real.datetime)

    class Told(real.datetime, metaclass=Kind):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return FACE.at(ours=ours).astimezone(tz)

    def ticks() -> float:
        FACE.at(ours=ours)
        assert FACE.clock is not None
        return FACE.clock.ticks

    names = {name: getattr(time, name) for name in dir(time) if not name.startswith("_")}
    names |= {"time": lambda: FACE.at(ours=ours).timestamp(), "monotonic": ticks, "sleep": FACE.sleep}
    return Told, SimpleNamespace(**names)


_TOLD = {True: _replaced(ours=True), False: _replaced(ours=False)}


def _modules(prefixes: tuple[str, ...]) -> Iterator[ModuleType]:
    for name, module in list(sys.modules.items()):
        if module is not None and name.startswith(prefixes):
            yield module


def _decoded(told: Any, *arguments: Any, **more: Any) -> Any:
    with mock.patch("jwt.api_jwt.datetime", told):
        return jwt.decode(*arguments, **more)


@contextmanager
def replaced() -> Iterator[None]:
    """Replace the machine's clock. All modules must have been imported before."""
    from grdf.quota.governor import Governor
    from include.gas.answers import id_token

    undo: list[tuple[Any, str, Any]] = []

    def put(where: Any, name: str, new: Any) -> None:
        undo.append((where, name, getattr(where, name)))
        setattr(where, name, new)

    for ours, prefixes in ((True, OURS), (False, THEIRS)):
        told, module_time = _TOLD[ours]
        for module in _modules(prefixes):
            if module.__dict__.get("datetime") is real.datetime:
                put(module, "datetime", told)
            if module.__dict__.get("time") is time:
                put(module, "time", module_time)
    told, ours_time = _TOLD[True]
    put(id_token, "jwt", SimpleNamespace(**{**vars(jwt), "decode": partial(_decoded, told)}))
    usual = Governor.__init__.__kwdefaults__
    put(Governor.__init__, "__kwdefaults__", {**usual, "sleep": ours_time.sleep, "clock": ours_time.monotonic})
    try:
        yield
    finally:
        for where, name, old in reversed(undo):
            setattr(where, name, old)
