"""An in-memory store for the quota, and a clock that advances when somebody sleeps."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from grdf.quota.call_terms import Booking, Purpose, Quota, Terms
from grdf.quota.governor import Governor
from grdf.quota.quota_store import Change, Result
from include.gas.days.gas_day import PARIS

NOON = datetime(2026, 3, 10, 12, tzinfo=PARIS).timestamp()
GRDF = Quota(1.0, 6000)


def call(governor: Governor, purpose: Purpose = "daily", booking: Booking | None = None, **owner: Any) -> None:
    governor.turn(Terms(purpose, booking), **owner).wait_for_turn()


class Clockwork:
    def __init__(self, now: float = NOON) -> None:
        self.now = now
        self.texts: dict[str, str] = {}

    def update(self, key: str, change: Change[Result]) -> Result:
        self.texts[key], result = change(self.texts.get(key), self.now)
        return result

    @property
    def passed(self) -> float:
        """Seconds since noon. ``pytest.approx`` of an epoch would tolerate half an hour."""
        return self.now - NOON

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def governor(self, quota: Quota = GRDF, client_id: str = "client", **more: Any) -> Governor:
        return Governor(self, client_id, quota, sleep=self.sleep, clock=lambda: self.now, **more)


def instants(clock: Clockwork, governor: Governor, calls: int, purpose: Purpose = "daily") -> list[float]:
    made = []
    for _ in range(calls):
        call(governor, account="home", purpose=purpose)
        made.append(clock.now)
    return made
