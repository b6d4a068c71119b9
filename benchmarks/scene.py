"""A household that has just consented, GRDF's stand-in and a CouchDB, afresh for each way.

Before the daily run GRDF gets one more gas day, and corrects two.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from benchmarks.couch_places import Place, Server, server
from benchmarks.household import REREAD
from include.gas.days.windows import oldest_allowed
from include.sandbox.adict.meter_data.meters import holder_of
from include.sandbox.connect import AccountDocuments, consent, cozy_account
from include.sandbox.local_world import LocalWorld

ACCOUNT = "peers"
HOLDER = "Alix;Exemple;foyer-8500001@example.org;TIERS"
FIRST, DAILY, NOTHING_NEW = "first import", "daily run", "daily run with nothing new"
RUNS = (FIRST, DAILY, NOTHING_NEW)


@dataclass(frozen=True)
class Site:
    """Where one way works, from the ``first`` gas day to the ``newest``, with two ``corrected`` ones."""

    place: Place
    grdf: dict[str, str]
    pce: str
    today: date
    first: date
    newest: date
    corrected: tuple[date, date]

    def window(self, run: str) -> tuple[date, date]:
        """Return the gas days that a run asks for, end exclusive."""
        first = self.first if run == FIRST else max(self.first, self.newest - timedelta(days=REREAD))
        return first, self.today

    def connect(self) -> None:
        os.environ["AIRFLOW_CONN_COUCHDB"] = self.place.airflow_connection()
        extra = {key: self.grdf[key] for key in ("token_url", "issuer")}
        extra |= {"id_token_algorithms": "HS256", "calls_per_second": 1000, "calls_per_day": 1_000_000}  # type: ignore[dict-item]  # numbers beside texts
        os.environ["AIRFLOW_CONN_GRDF_ADICT"] = json.dumps(
            {
                "conn_type": "generic",
                "login": self.grdf["client_id"],
                "password": self.grdf["client_secret"],
                "host": self.grdf["adict_base"],
                "extra": extra,
            }
        )


class Scene:
    """GRDF's stand-in, the CouchDB, and the household, for a first import of some or all days."""

    def __init__(self, world: LocalWorld, couch: Server, days: int | None) -> None:
        self.world, self.couch, self.control = world, couch, world.control
        holder = holder_of(HOLDER)
        assert holder is not None
        (self.pce,) = holder.pces
        self.origin = world.facts["adict_base"].partition("/adict")[0]
        self.today = self.control.today()
        oldest = oldest_allowed(self.today)
        self.first = max(oldest, self.today - timedelta(days=days)) if days else oldest
        self._account = cozy_account(ACCOUNT, consent(world.facts, holder, conso_debut=self.first), world.facts)
        self.newest = max(date.fromisoformat(day) for day in self.control.expected(self.pce, self.first, self.today))
        back = min(50, (self.newest - self.first).days - 2)
        self.corrected = (self.newest - timedelta(days=back), self.newest - timedelta(days=1))

    def site(self, place: Place, through: str = "") -> Site:
        grdf = dict[str, str](self.world.facts)
        for key in ("adict_base", "token_url"):
            grdf[key] = grdf[key].replace(self.origin, through or self.origin)
        return Site(place, grdf, self.pce, self.today, self.first, self.newest, self.corrected)

    def set(self, run: str) -> dict[date, int]:
        """Set what GRDF knows at a run, and return kWh by gas day."""
        self.control.uncorrect(self.pce)
        if run == FIRST:
            self.control.correct(self.pce, self.newest, None)
        else:
            before = self.control.expected(self.pce, self.first, self.today)
            for day in self.corrected:
                self.control.correct(self.pce, day, before[f"{day}"] + 7)
        found = self.control.expected(self.pce, self.first, self.today)
        return {date.fromisoformat(day): int(load) for day, load in found.items()}

    def save_account(self, place: Place) -> None:
        account: dict[str, Any] = self._account
        AccountDocuments(place.url, *place.auth, prefix=place.prefix).save(account)


@contextmanager
def opened(home: Path, days: int | None) -> Iterator[Scene]:
    with LocalWorld(home / "world", memory=True) as world, server(home / "couch") as couch:
        yield Scene(world, couch, days)
