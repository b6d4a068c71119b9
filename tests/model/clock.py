"""A clock that a life controls, for GRDF and for the project.

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
from types import SimpleNamespace
from typing import Any
from unittest import mock

import jwt
import pytest


class Clock:
    """The clock of one life.

    :param now: the time at the start, aware
    """

    def __init__(self, now: real.datetime) -> None:
        self.now = now
        self.ticks = 0.0

    def pass_(self, seconds: float) -> None:
        """Advance the clock."""
        self.now += real.timedelta(seconds=seconds)
        self.ticks += seconds

    def until(self, moment: real.datetime) -> None:
        """Advance the clock to a moment. Do nothing if that has passed."""
        self.pass_(max(0.0, (moment - self.now).total_seconds()))


class _Face:
    """The clock that the replaced names use: that of the current life."""

    def __init__(self) -> None:
        self.clock: Clock | None = None

    def at(self) -> real.datetime:
        self.sleep(0.001)  # no two calls return the same time
        assert self.clock is not None
        return self.clock.now

    def ticks(self) -> float:
        self.sleep(0.001)
        assert self.clock is not None
        return self.clock.ticks

    def sleep(self, seconds: float) -> None:
        assert self.clock is not None, "no life is being led"
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


@contextmanager
def replaced() -> Iterator[None]:
    """Replace the machine's clock. All modules must have been imported before."""
    from grdf.quota.governor import Governor
    from include.gas.answers import id_token

    with pytest.MonkeyPatch.context() as patch:
        for name, module in list(sys.modules.items()):
            if name.startswith(("grdf.", "include.gas.", "include.sandbox.adict.")):
                if module.__dict__.get("datetime") is real.datetime:
                    patch.setattr(module, "datetime", _Told)
                if module.__dict__.get("time") is time:
                    patch.setattr(module, "time", _TIME)
        patch.setattr(id_token, "jwt", SimpleNamespace(**{**vars(jwt), "decode": _decoded}))
        patch.setitem(Governor.__init__.__kwdefaults__, "sleep", FACE.sleep)
        patch.setitem(Governor.__init__.__kwdefaults__, "clock", FACE.ticks)
        yield
