"""The quota's clockwork for tests: a store in memory, and a clock that moves when somebody sleeps."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from grdf.governor import Governor
from grdf.quota_store import Change, Result, Store
from include.gas.days import PARIS
from include.gas.quota import Quota

NOON = datetime(2026, 3, 10, 12, tzinfo=PARIS).timestamp()
GRDF = Quota(1.0, 6000, 3000)


class Clockwork(Store):
    """A store in memory and the clock that goes with it.

    :param now: when it begins (epoch seconds)
    """

    def __init__(self, now: float = NOON) -> None:
        self.now = now
        self.texts: dict[str, str] = {}

    def update(self, key: str, change: Change[Result]) -> Result:
        self.texts[key], result = change(self.texts.get(key), self.now)
        return result

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def governor(self, quota: Quota = GRDF, client_id: str = "client", **more: Any) -> Governor:
        return Governor(self, client_id, quota, sleep=self.sleep, clock=lambda: self.now, **more)
