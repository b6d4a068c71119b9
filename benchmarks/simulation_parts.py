"""The simulated fleet's clock, stores, and tasks that wait for a slot."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from greenlet import greenlet

from include.gas.days.gas_day import PARIS, utc_text

if TYPE_CHECKING:
    from benchmarks.fleet_simulation import World


MIDNIGHT = datetime(2026, 3, 2, tzinfo=PARIS).timestamp()
"""Start of the simulation, without a clock change in the next three weeks."""
SHORTEST = 5.0
"""Minimum seconds before a waiting task runs again."""


class Hub:
    """The simulated clock and its events."""

    def __init__(self) -> None:
        self.now = MIDNIGHT
        self._queue: list[tuple[float, int, Callable[[], object]]] = []
        self._number = 0
        self._greenlet = greenlet.getcurrent()

    def at(self, moment: float, do: Callable[[], object]) -> None:
        self._number += 1
        heapq.heappush(self._queue, (moment, self._number, do))

    def sleep(self, seconds: float) -> None:
        """Make a task sleep while others go on."""
        self.at(self.now + seconds, greenlet.getcurrent().switch)
        self._greenlet.switch()

    def run(self, until: float) -> None:
        while self._queue and self._queue[0][0] <= until:
            self.now, _, do = heapq.heappop(self._queue)
            do()
        self.now = until


class MemoryStore:
    """The quota's store, on the hub's clock."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.texts: dict[str, str] = {}

    def update(self, key: str, change: Callable[[str | None, float], tuple[str, Any]]) -> Any:
        """See :class:`grdf.quota.quota_store.QuotaStore`."""
        self.texts[key], result = change(self.texts.get(key), self.hub.now)
        return result


class Accounts:
    def __init__(self, documents: dict[str, dict[str, Any]]) -> None:
        self.documents = documents

    def read_document(self, account: str) -> dict[str, Any]:
        return self.documents[account]

    def read_account(self, account: str) -> Any:
        from include.gas.account.account import Account

        return Account.from_document(self.documents[account])

    def update(self, account: str, change: Callable[[dict[str, Any]], dict[str, Any]], **_known: Any) -> dict[str, Any]:
        self.documents[account] = change(self.documents[account])
        return self.documents[account]

    update_if_staying = update


class Couch:
    """The stored data: just enough for a daily run to request its own day."""

    def __init__(self, accounts: dict[str, str]) -> None:
        self._accounts = accounts

    def get(self, *_: Any) -> None:
        """Nothing."""

    def range(self, *_: Any) -> list[Any]:
        return []

    def fetch(self, _doctype: str, ids: Iterable[str]) -> dict[str, Any]:
        return {pce: self._meter(pce) for pce in ids if pce in self._accounts}

    def _meter(self, pce: str) -> dict[str, Any]:
        right = {"client": "grdf_adict", "id": f"id-{pce}", "account": self._accounts[pce], "way": "client_connect"}
        now = utc_text(datetime.now(UTC))
        known = {"state": "active", "since": now, "listed_at": now, "was_active": True}
        return {"_id": pce, "rights": [right | known]}


class Task:
    """An Airflow task, which occupies a slot and runs again later if it has to wait."""

    def __init__(self, world: World, work: Callable[[], Any], done: Callable[[Any], object], *, daily: bool) -> None:
        self.world, self.work, self.done, self.daily = world, work, done, daily

    def start(self) -> None:
        greenlet(self._run, self.world.hub._greenlet).switch()

    def _run(self) -> None:
        from include.gas.errors import QuotaWait

        world, again = self.world, None
        try:
            result = self.work()
        except QuotaWait as wait:
            again = max(SHORTEST, wait.retry_after or 0.0)
            world.waits += 1
        world.give_back(self)
        if again is None:
            self.done(result)
        else:
            world.hub.at(world.hub.now + again, lambda: world.submit(self))
