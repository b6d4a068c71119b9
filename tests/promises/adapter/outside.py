"""The outside world: GRDF, which is the sandbox in this process, and CouchDB, which is in memory."""

from __future__ import annotations

import copy
import itertools
import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from greenlet import greenlet

from include.sandbox.adict.access import mailbox, rights
from tests.model import tasks, wire
from tests.model.world import World
from tests.promises.adapter.seen import ACCOUNTS, DAYS, MONTHS, PERIODS, YEARS, Asked, Document, Fault, TimedOut
from tests.promises.adapter.workers import TownClock


@dataclass
class Outside:
    """GRDF, CouchDB and time. Time stands still but for what happens."""

    start: date
    staging: Path
    asked: list[Asked] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    begun: list[str] = field(default_factory=list)
    """Accounts whose first run the project has started."""
    page_says: int = 0
    """The status of the last page to which GRDF has sent a household back."""

    def __post_init__(self) -> None:
        begin = datetime(self.start.year, self.start.month, self.start.day, 11, tzinfo=UTC)
        self.clock = TownClock(begin)
        self.world = World(self.clock, self.staging)
        self.app = self.world.wire.app
        self.app.extensions["sandbox_pace"].reset(self.world.sandbox)
        self.world.wire.witness = SimpleNamespace(about_to=lambda *_: None, answered=lambda _: None)
        self.world.couch._written = lambda *_: None
        self.world.wire._ask = self._grdf  # type: ignore[method-assign]
        self._couch = self.world.wire._couch
        self.world.wire._couch = self._couchdb  # type: ignore[method-assign]
        self.numbers = itertools.count(1)
        self.contract(pkce="unknown")  # GRDF's page is left out, where a code is bound to who asked for it
        self.last: dict[str, date] = {}
        self.succeeded: dict[str, datetime] = {}
        self.dags: dict[greenlet, str] = {}
        self.deadline: datetime | None = None
        self.requests = self.kill = 0
        self.latency = 0.0

    # -- GRDF ----------------------------------------------------------------------------------------------------------

    def contract(self, **settings: Any) -> None:
        """Change how GRDF behaves; ``calls_per_second`` and ``calls_per_day`` are in our connection too."""
        for name, value in settings.items():
            self.world.sandbox.store.put(name, value)
            if name.startswith("calls_per_"):
                for connection in ("AIRFLOW_CONN_GRDF_ADICT", "AIRFLOW_CONN_GRDFGRANDLYON_DELETE"):
                    ours = json.loads(os.environ[connection])
                    ours["extra"][name] = str(value)
                    os.environ[connection] = json.dumps(ours)

    def forget_tokens(self) -> None:
        """Let GRDF refuse all tokens that it has given."""
        self.world.sandbox.store.run("DELETE FROM tokens")

    def agree(
        self,
        account: str,
        *pces: str,
        back: int = 40,
        first: date | None = None,
        end: date | None = None,
        ahead: int = 1095,
        begins: date | None = None,
        perimeters: Iterable[str] = rights.PERIMETERS,
        keep_others: bool = True,
        nonce: str = "nonce",
    ) -> tuple[str, list[str]]:
        """Let a household agree on GRDF's site. Return GRDF's code, and the new rights.

        :param back: how many past days may be read
        :param end: the day after the last gas day that may be read
        :param ahead: for how many days from now on GRDF may be called
        """
        begins = begins or self.today
        until = begins + timedelta(days=ahead)
        terms = rights.Terms(tuple(perimeters), first or begins - timedelta(days=back), end or until, begins, until)
        return self.world.consent(account, pces, terms, keep_others=keep_others, nonce=nonce)

    def rights(self, *pces: str, state: str = "") -> list[Document]:
        """Return GRDF's rights to some meters, all without one, oldest first."""
        found = rights.all_rights(self.world.sandbox.store)
        return [
            each for each in found
            if (not pces or each["id_pce"] in pces) and (not state or each["etat_droit_acces"] == state)
        ]  # fmt: skip

    def change_right(self, right: str, **fields: Any) -> None:
        """Change what GRDF says of a right."""
        found = rights.find_right(self.world.sandbox.store, right)
        assert found
        rights.save_right(self.world.sandbox.store, found | fields)

    def revoke(self, *ids: str, source: str = "TITULAIRE") -> None:
        """Let holders revoke rights on GRDF's site."""
        for each in ids:
            found = rights.find_right(self.world.sandbox.store, each)
            assert found
            rights.revoke(self.world.sandbox.store, found, source, self.clock.now)

    def answer(self, pce: str, *, accept: bool = True) -> None:
        """Let the holder answer GRDF's mails about a meter."""
        for right in self.rights(pce):
            mailbox.answer(self.world.sandbox.store, right, self.clock.now, accept=accept)

    def correct(self, pce: str, day: date, kwh: float | None) -> None:
        """Let GRDF correct a day, or withdraw it."""
        self.world.correct(pce, day, kwh)

    def odd(self, pce: str, **quirks: Any) -> None:
        """Make a meter's answers odd, such as ``lines={"missing": [...]}``, ``refusal``, ``layout``."""
        lines = {
            name: days if name == "partial" else [str(day) for day in days]
            for name, days in (quirks.pop("lines", None) or {}).items()
        }
        self.world.oddities(pce, **quirks, **({"lines": lines} if lines else {}))

    def says(self, pce: str, first: date, end: date) -> dict[date, float]:
        """Return the kWh that GRDF has now for a meter's days."""
        return self.world.told_now(pce, first, end)

    def fault(self, what: Any, path: str = "", **more: Any) -> None:
        """Let something go wrong with GRDF's next answers."""
        self.faults.append(Fault(what, path, **more))

    def couchdb_fault(self, what: str, times: int = 1, after: int = 0) -> None:
        """Let something go wrong with CouchDB's next answers: ``down``, ``503``, ``slow`` (done, but no answer)."""
        self.world.wire.troubles.append(wire.Trouble(wire.COUCH, after, what, times))

    def calm(self) -> None:
        """Let nothing go wrong any more."""
        self.faults.clear()
        self.world.wire.troubles.clear()
        self.kill = 0

    def _grdf(self, request: requests.PreparedRequest) -> tuple[int, bytes, dict[str, str]]:
        """Answer for GRDF."""
        address, _, query = (request.path_url or "").partition("?")
        self._count()
        fault = self._fault(request.method or "", address)
        what = fault.what if fault else None
        sent = request.body.decode("utf-8", "replace") if isinstance(request.body, bytes) else str(request.body or "")
        pairs = dict(part.split("=", 1) for part in query.split("&") if "=" in part)
        log = Asked(
            self.clock.now, self.dags.get(greenlet.getcurrent(), ""), request.method or "", address, pairs, sent, 0
        )
        if what == "kill":
            raise tasks.Killed
        self.asked.append(log)
        if what == "down":
            raise requests.ConnectionError("down")
        if isinstance(what, int):
            log.status = what
            late = {} if fault is None or fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
            return what, b'{"erreur": "out of order"}', late
        if request.method == "PUT" and address.endswith("/droit_acces"):
            self._lapse(address.split("/")[-2])
        headers = {name: value for name, value in request.headers.items() if name.lower() != "content-length"}
        told = self.app.test_client().open(
            request.path_url, base_url=f"http://{wire.GRDF}", method=request.method, headers=headers, data=request.body
        )
        log.status, body = told.status_code, told.get_data()
        if what == "kill after":
            raise tasks.Killed
        if what == "lost":
            raise requests.ReadTimeout("lost")
        if what == "twice" and told.status_code == 409:
            return self._second(request, headers)
        if what == "drip":
            self._drip(body)
        return told.status_code, what(body) if callable(what) else body, dict(told.headers)

    def _lapse(self, pce: str) -> None:
        """Let GRDF take a new declaration once the right before it is over, which the sandbox does not."""
        for right in self.rights(pce, state="Active"):
            if right["date_fin_droit_acces"] < str(self.today):
                self.change_right(right["id_droit_acces"], etat_droit_acces="Obsolète")

    def _second(self, request: requests.PreparedRequest, headers: dict[str, str]) -> tuple[int, bytes, dict[str, str]]:
        """Declare a right although there is one, as a GRDF does that allows several."""
        pce = (request.path_url or "").split("/")[-2]
        others = [right for right in self.rights(pce) if right["etat_droit_acces"] in rights.REVOCABLE]
        for right in others:
            self.change_right(right["id_droit_acces"], etat_droit_acces="Obsolète")
        told = self.app.test_client().open(
            request.path_url, base_url=f"http://{wire.GRDF}", method="PUT", headers=headers, data=request.body
        )
        for right in others:
            self.change_right(right["id_droit_acces"], etat_droit_acces=right["etat_droit_acces"])
        return told.status_code, told.get_data(), dict(told.headers)

    def _drip(self, body: bytes) -> None:
        """Let a minute pass for each few bytes, until whoever reads has had enough."""
        for _ in range(max(len(body) // 10, 1000)):
            super(TownClock, self.clock).pass_(60)
            if self.deadline and self.clock.now > self.deadline:
                raise TimedOut
        pytest.fail("nobody stops reading")  # which no retry hides

    def _fault(self, method: str, path: str) -> Fault | None:
        for each in self.faults:
            if re.search(each.path, path) and each.method in ("", method):
                if each.after > 0:
                    each.after -= 1
                    continue
                each.times -= 1
                if each.times <= 0:
                    self.faults.remove(each)
                return each
        return None

    def calls(self, path: str = "", method: str = "", *, since: int = 0) -> list[Asked]:
        """Return the requests that GRDF has seen, without those for tokens."""
        return [
            each for each in self.asked[since:]
            if re.search(path, each.path) and method in ("", each.method) and "access_token" not in each.path
        ]  # fmt: skip

    # -- CouchDB -------------------------------------------------------------------------------------------------------

    def documents(self, database: str) -> dict[str, Document]:
        """Return a database's documents by id."""
        return {key: doc for key, doc in self.world.couch.documents(database).items() if not key.startswith("_design")}

    def account(self, account: str) -> Document:
        """Return an account's document; empty if there is none."""
        return self.documents(ACCOUNTS).get(account, {})

    def put(self, account: str, parts: Document) -> None:
        """Write an account's document as cozy-stack or another program does: keep what others have put there."""
        self.world.put_account(account, parts)

    def state(self, account: str) -> str:
        """Return the state that Cozy's clients show, empty if all is well."""
        return self.account(account).get("state") or ""

    def days(self, account: str, pce: str) -> dict[date, float]:
        """Return the kWh of an account's stored days of one meter."""
        return {
            date(doc["year"], doc["month"], doc["day"]): doc["load"]
            for key, doc in self.documents(DAYS).items() if key.startswith(f"{account}:{pce}:")
        }  # fmt: skip

    def stored(self, account: str) -> int:
        """Return how many documents of data an account has, of any meter and kind."""
        kinds = (DAYS, MONTHS, YEARS, PERIODS)
        return sum(key.startswith(f"{account}:") for database in kinds for key in self.documents(database))

    def wrong_days(self, account: str, pce: str, first: date, end: date | None = None) -> list[date]:
        """Return the days from ``first`` on that are not stored as GRDF says now, or that it has not and are stored.

        :param end: the day after the last; by default the newest days do not count, which may not be read yet
        """
        end = end or self.ago(3)
        stored, told = self.days(account, pce), self.says(pce, first, end)
        wrong = {
            day for day in {*told, *(day for day in stored if first <= day < end)} if stored.get(day) != told.get(day)
        }
        return sorted(wrong)

    def wrong_totals(self) -> list[str]:
        """Return the months and years that are not the exact sum of their stored days, and those that lack."""
        sums: dict[tuple[str, str], list[float]] = {}
        for key, doc in self.documents(DAYS).items():
            for database, length in ((MONTHS, 3), (YEARS, 6)):
                sums.setdefault((database, key[:-length]), []).append(doc["load"])
        told = {
            (at, key): (doc["load"], doc["days"]) for at in (MONTHS, YEARS) for key, doc in self.documents(at).items()
        }
        due = {place: (sum(loads), len(loads)) for place, loads in sums.items()}
        return sorted(
            key for _, key in {*told, *due} if any(told.get((at, key)) != due.get((at, key)) for at in (MONTHS, YEARS))
        )

    def backup(self) -> Document:
        """Return a backup of CouchDB."""
        return copy.deepcopy(self.world.couch.databases)

    def restore(self, backup: Document, *, but: str = "") -> None:
        """Restore CouchDB from a backup, all databases but one."""
        kept = {but: self.world.couch.databases.get(but, {})} if but else {}
        self.world.couch.databases = copy.deepcopy(backup) | kept

    def _couchdb(self, adapter: Any, request: requests.PreparedRequest, trouble: str) -> requests.Response:
        self._count()
        self.clock.pass_(self.latency)
        address = (request.path_url or "").partition("?")[0]
        if address.endswith("/_changes"):  # the model's CouchDB does not tell them
            docs = self.world.couch.documents(address.split("/")[1])
            results = [
                {"id": key, "seq": "1", "changes": [{"rev": each["_rev"]}], "doc": each} for key, each in docs.items()
            ]
            told = json.dumps({"results": results, "last_seq": "1", "pending": 0}).encode()
            return wire._answer(adapter, request, 200, told, {"Content-Type": "application/json"})
        return self._couch(adapter, request, trouble)

    def _count(self) -> None:
        self.requests += 1
        if self.kill and self.requests == self.kill:
            raise tasks.Killed
