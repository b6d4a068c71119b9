"""One household that has just consented, with a stand-in for GRDF and a CouchDB. Each way starts afresh with it.

Between the first import and the daily run, GRDF gets a figure for one more gas day, and corrects two days.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from include.gas.days.windows import oldest_allowed
from include.sandbox.adict.meter_data.meters import holder_of
from include.sandbox.connect import AccountBook, consent, cozy_account
from include.sandbox.local_world import LocalWorld
from tests.bench.household import REREAD
from tests.couch_places import Place, Server, server

ACCOUNT = "peers"
HOLDER = "Alix;Exemple;foyer-8500001@example.org;TIERS"
FIRST, DAILY = "first import", "daily run"


@dataclass(frozen=True)
class Grdf:
    """The addresses of GRDF's stand-in, and the client's credentials.

    :param base: its data API
    :param token_url: its token endpoint
    :param client_id: our client
    :param client_secret: its secret, made for this run
    :param issuer: who signs its ``id_token``
    """

    base: str
    token_url: str
    client_id: str
    client_secret: str
    issuer: str

    def through(self, proxy: str) -> Grdf:
        """Return the same, through a proxy."""
        return replace(self, base=proxy + urlsplit(self.base).path, token_url=proxy + urlsplit(self.token_url).path)

    @property
    def origin(self) -> str:
        """Its address without a path."""
        parts = urlsplit(self.base)
        return f"{parts.scheme}://{parts.netloc}"


@dataclass(frozen=True)
class Site:
    """The site on which one way works.

    :param place: its databases
    :param grdf: GRDF's stand-in
    :param pce: the household's meter
    :param today: the stand-in's civil day in Paris
    :param first: first gas day of the first import
    :param newest: the gas day that is new on the daily run
    :param corrected: the two days that are corrected then
    """

    place: Place
    grdf: Grdf
    pce: str
    today: date
    first: date
    newest: date
    corrected: tuple[date, date]

    def window(self, run: str) -> tuple[date, date]:
        """Return the gas days that a run requests, end exclusive: all, or those of the re-read window."""
        return (self.first if run == FIRST else max(self.first, self.newest - timedelta(days=REREAD)), self.today)

    def connect(self) -> None:
        """Set Airflow's connections to this site."""
        os.environ["AIRFLOW_CONN_COUCHDB"] = self.place.airflow_connection()
        extra = {
            "token_url": self.grdf.token_url,
            "calls_per_second": 1000,
            "calls_per_day": 1_000_000,
            "issuer": self.grdf.issuer,
        }
        os.environ["AIRFLOW_CONN_GRDF_ADICT"] = json.dumps(
            {
                "conn_type": "generic",
                "login": self.grdf.client_id,
                "password": self.grdf.client_secret,
                "host": self.grdf.base,
                "extra": extra,
            }
        )


class Scene:
    """The stand-in for GRDF, the CouchDB, and the household.

    :param world: the stand-in
    :param couch: the CouchDB that is measured
    :param days: length of the first import; ``None`` is all that GRDF serves
    """

    def __init__(self, world: LocalWorld, couch: Server, days: int | None) -> None:
        self.world, self.couch, self.control = world, couch, world.control
        facts = world.facts
        self.grdf = Grdf(
            facts["adict_base"], facts["token_url"], facts["client_id"], facts["client_secret"], facts["issuer"]
        )
        holder = holder_of(HOLDER)
        assert holder is not None
        (self.pce,) = holder.pces
        self.today = self.control.today()
        oldest = oldest_allowed(self.today)
        self.first = max(oldest, self.today - timedelta(days=days)) if days else oldest
        grant = consent(facts, world.door, holder, conso_debut=self.first)
        self.account: dict[str, Any] = cozy_account(ACCOUNT, grant, facts)
        self.newest = max(date.fromisoformat(day) for day in self.control.expected(self.pce, self.first, self.today))
        back = min(50, (self.newest - self.first).days - 2)
        self.corrected = (self.newest - timedelta(days=back), self.newest - timedelta(days=1))

    def site(self, place: Place, grdf: Grdf | None = None) -> Site:
        """Return what a way works with.

        :param place: its databases
        :param grdf: GRDF's stand-in behind a proxy
        """
        return Site(place, grdf or self.grdf, self.pce, self.today, self.first, self.newest, self.corrected)

    def set(self, run: str) -> dict[date, int]:
        """Set what GRDF knows at the time of a run, and return kWh by gas day."""
        self.control.uncorrect(self.pce)
        if run == FIRST:
            self.control.correct(self.pce, self.newest, None)
        else:
            before = self.control.expected(self.pce, self.first, self.today)
            for day in self.corrected:
                self.control.correct(self.pce, day, before[f"{day}"] + 7)
        told = self.control.expected(self.pce, self.first, self.today)
        return {date.fromisoformat(day): int(load) for day, load in told.items()}

    def save_account(self, place: Place) -> None:
        """Store the account in CouchDB as cozy-stack does after connecting."""
        AccountBook(place.url, *place.auth, prefix=place.prefix).save(self.account)


@contextmanager
def scene(home: Path, days: int | None) -> Iterator[Scene]:
    """Start the stand-in for GRDF and a CouchDB.

    :param home: an empty folder
    :param days: length of the first import; ``None`` is all that GRDF serves
    """
    with ExitStack() as stack:
        world = stack.enter_context(LocalWorld(home / "world", memory=True))
        couch = stack.enter_context(server(home / "couch"))
        yield Scene(world, couch, days)
