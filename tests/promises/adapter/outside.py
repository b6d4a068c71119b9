"""GRDF, which is the sandbox in this process, and CouchDB in memory; only ``HTTPAdapter.send`` is replaced."""

from __future__ import annotations

import copy
import io
import itertools
import json
import os
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from greenlet import greenlet
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

from grdf.hooks.http_calls import TurnAdapter
from include.sandbox.adict import identity, paris
from include.sandbox.adict.access import mailbox, rights
from include.sandbox.adict.app import make_app
from include.sandbox.adict.client_connect import tokens
from include.sandbox.adict.meter_data import quirks, readings
from include.sandbox.adict.meter_data.meters import Holder, find_meter
from include.sandbox.adict.store import Store
from include.sandbox.adict.world import World as Sandbox
from tests.model.clock import FACE, Clock
from tests.model.couch import Couch
from tests.promises.adapter.seen import (
    ACCOUNTS,
    DAYS,
    MONTHS,
    PERIODS,
    YEARS,
    Asked,
    Document,
    Fault,
    Job,
    Killed,
    TimedOut,
)

GRDF, COUCH = "127.0.0.1:9", "127.0.0.1:8"
"""Hosts on which nothing listens."""
REDIRECT = "https://airflow.example/grdf/callback"
NOWHERE = Path(":memory:")


@cache
def sandbox() -> tuple[Any, Sandbox]:
    """There is one: all that may change of it is in its store."""
    world = Sandbox(Store(NOWHERE), int(GRDF.rpartition(":")[2]), (REDIRECT,))
    return make_app(world), world


def connections() -> dict[str, str]:
    facts = identity.connection_facts(int(GRDF.rpartition(":")[2]), REDIRECT)
    extra = {name: facts[name] for name in ("token_url", "authorize_url", "redirect_uri", "issuer")}
    grdf = {"conn_type": "generic", "host": facts["adict_base"], "extra": extra | {"calls_per_second": "1"}}
    host, port = COUCH.split(":")
    couch = {"conn_type": "generic", "schema": "http", "host": host, "port": int(port)}
    found = {"COUCHDB": couch | {"login": "town", "password": "town-password"}}
    for name, prefix in (("GRDF_ADICT", ""), ("GRDFGRANDLYON_DELETE", "delete_")):
        login = {"login": facts[f"{prefix}client_id"], "password": facts[f"{prefix}client_secret"]}
        found[name] = grdf | login
    return {f"AIRFLOW_CONN_{name}": json.dumps(each) for name, each in found.items()}


class Shelf:
    """The store of the shared token, which is an Airflow Variable in production."""

    text: str | None = None

    def get(self, _name: str) -> str | None:
        return Shelf.text

    def __setitem__(self, _name: str, text: str) -> None:
        Shelf.text = text


class Quota:
    text: str | None = None

    def __init__(self, url: str = "") -> None:
        pass

    def update(self, _key: str, change: Any) -> Any:
        Quota.text, result = change(Quota.text, FACE.at().timestamp())
        return result


class Outside:
    def __init__(self, start: date, staging: Path) -> None:
        self.staging = staging
        self.clock = FACE.clock = Clock(datetime(start.year, start.month, start.day, 11, tzinfo=UTC))
        self.app, self.sandbox = sandbox()
        self.sandbox.store.close()
        self.store = self.sandbox.store = Store(NOWHERE)
        self.store.put("id_token_clock", "sandbox")
        self.store.put("real_shift_years", 0)
        self.app.extensions["sandbox_pace"].reset(self.sandbox)
        self.contract(pkce="unknown")  # GRDF's page is left out, where a code is bound to who asked for it
        self.couch = Couch(self.written)
        Shelf.text = Quota.text = None
        self.asked: list[Asked] = []
        self.faults: list[Fault] = []
        self.planned: list[tuple[int, Callable[[], object]]] = []
        self.jobs: list[Job] = []
        self.numbers = itertools.count(1)
        self.deadline: datetime | None = None
        self.requests = self.kill = 0
        self.latency = 0.0

    def written(self, database: str, key: str, before: Document | None, document: Document | None) -> None:
        """See a change of CouchDB's."""

    def heard(self, asked: Asked, body: bytes) -> None:
        """See an answer of GRDF's that has arrived."""

    @property
    def job(self) -> Job:
        """The task that this worker is at; an empty one if it is at none."""
        here = greenlet.getcurrent()
        return next((each for each in reversed(self.jobs) if each.worker is here), Job())

    def send(self, adapter: HTTPAdapter, request: requests.PreparedRequest) -> requests.Response:
        url = urlsplit(request.url or "")
        couchdb, method = url.netloc.endswith(COUCH), request.method or "GET"
        assert couchdb or url.netloc.endswith(GRDF), f"there is no host {url.netloc}"
        self._let_others_act()
        if isinstance(adapter, TurnAdapter):
            adapter.take_turn()
        self.requests += 1
        if self.requests == self.kill:
            raise Killed
        self.clock.pass_(self.latency if couchdb else 0.1)
        fault = self._fault(couchdb, method, url.path) or Fault(None)
        what = fault.what
        if what == "kill":
            raise Killed
        sent = request.body.decode("utf-8", "replace") if isinstance(request.body, bytes) else request.body or ""
        asked = Asked(self.clock.now, self.job, method, url.path, dict(parse_qsl(url.query)), str(sent))
        if not couchdb:
            self.asked.append(asked)
        if what == "down":
            raise requests.ConnectionError("down")
        if isinstance(what, int):
            asked.status = what
            late = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
            return _response(adapter, request, what, b'{"error": "x", "reason": "out of order"}', late)
        if couchdb:
            body = request.body.encode() if isinstance(request.body, str) else request.body
            asked.status, value = self.couch.answer(method, request.url or "", body)
            headers, answer = {"Content-Type": "application/json"}, json.dumps(value).encode()
        else:
            asked.status, answer, headers = self._grdf(request, twice=what == "twice")
        if what == "kill after":
            raise Killed
        if what == "lost":
            raise requests.ReadTimeout("lost")
        if what == "cut":
            raise requests.exceptions.ChunkedEncodingError("cut")
        if what == "drip":
            self._drip(answer)
        if callable(what):
            answer = what(answer)
        if not couchdb:
            self.heard(asked, answer)
        return _response(adapter, request, asked.status, answer, headers)

    def _let_others_act(self) -> None:
        due = [do for left, do in self.planned if left <= 0]
        later = [(left - 1, do) for left, do in self.planned if left > 0]
        for do in due:
            self.planned = []
            do()
        self.planned = later

    def _fault(self, couchdb: bool, method: str, path: str) -> Fault | None:
        for each in self.faults:
            if each.couchdb == couchdb and re.search(each.path, path) and each.method in ("", method):
                if each.after > 0:
                    each.after -= 1
                    continue
                each.times -= 1
                if each.times <= 0:
                    self.faults.remove(each)
                return each
        return None

    def _grdf(self, request: requests.PreparedRequest, *, twice: bool) -> tuple[int, bytes, dict[str, str]]:
        """``twice``: take a second declaration although there is a right."""
        path, declares = request.path_url.partition("?")[0], request.method == "PUT"
        headers = {name: value for name, value in request.headers.items() if name.lower() != "content-length"}

        def ask() -> Any:
            return self.app.test_client().open(
                request.path_url, base_url=f"http://{GRDF}", method=request.method, headers=headers, data=request.body
            )

        pce = path.split("/")[-2]
        if declares and path.endswith("/droit_acces"):
            self.lapse(pce)
        answer = ask()
        if twice and answer.status_code == 409:
            others = [right for right in self.rights(pce) if right["etat_droit_acces"] in rights.REVOCABLE]
            for right in others:
                self.change_right(right["id_droit_acces"], etat_droit_acces="Obsolète")
            answer = ask()
            for right in others:
                self.change_right(right["id_droit_acces"], etat_droit_acces=right["etat_droit_acces"])
        return answer.status_code, answer.get_data(), dict(answer.headers)

    def lapse(self, pce: str) -> None:
        """Let GRDF take a new declaration once the right before it is over, which the sandbox does not."""
        for right in self.rights(pce, state="Active"):
            if right["date_fin_droit_acces"] < str(self.today):
                self.change_right(right["id_droit_acces"], etat_droit_acces="Obsolète")

    def _drip(self, body: bytes) -> None:
        """Let a minute pass for each few bytes."""
        for _ in range(max(len(body) // 10, 1000)):
            self.clock.advance(60)
            if self.deadline and self.clock.now > self.deadline:
                raise TimedOut
        pytest.fail("the reader does not stop")  # which no retry hides

    def fault(self, what: Any, path: str = "", **more: Any) -> None:
        self.faults.append(Fault(what, path, **more))

    def calm(self) -> None:
        self.faults.clear()
        self.kill = 0

    def kill_at(self, request: int) -> None:
        """Let our process die at one of its next requests, instead of sending it; at none with 0."""
        self.kill = self.requests + request if request else 0

    def meanwhile(self, after: int, do: Callable[[], object]) -> None:
        """Do something after so many requests of what runs next."""
        self.planned.append((after, do))

    def calls(self, path: str = "", method: str = "", *, since: int = 0) -> list[Asked]:
        """Return the requests that GRDF has seen, without those for tokens."""
        return [
            each for each in self.asked[since:]
            if re.search(path, each.path) and method in ("", each.method) and "access_token" not in each.path
        ]  # fmt: skip

    @property
    def today(self) -> date:
        """The civil date in Paris."""
        return paris.civil_day(self.clock.now)

    def ago(self, days: int) -> date:
        return self.today - timedelta(days=days)

    def pass_(self, **span: float) -> None:
        self.clock.pass_(timedelta(**span).total_seconds())

    def until(self, day: date, hour: int = 0, minute: int = 0) -> None:
        """Let time pass until then, Paris time."""
        self.clock.until(paris.at_hour(day, hour) + timedelta(minutes=minute))

    def contract(self, **settings: Any) -> None:
        """Change how GRDF behaves; ``calls_per_second`` and ``calls_per_day`` are in our connection too."""
        for name, value in settings.items():
            self.store.put(name, value)
            if name.startswith("calls_per_"):
                for connection in ("AIRFLOW_CONN_GRDF_ADICT", "AIRFLOW_CONN_GRDFGRANDLYON_DELETE"):
                    ours = json.loads(os.environ[connection])
                    ours["extra"][name] = str(value)
                    os.environ[connection] = json.dumps(ours)

    def forget_tokens(self) -> None:
        self.store.run("DELETE FROM tokens")

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
        """Return a code and new rights; ``end`` is the day after the last, calls may be made for ``ahead`` days."""
        begins = begins or self.today
        until = begins + timedelta(days=ahead)
        terms = rights.Terms(tuple(perimeters), first or begins - timedelta(days=back), end or until, begins, until)
        holder, now = Holder("Alix", "Exemple", f"{account}@example.org", tuple(pces)), self.clock.now
        made = rights.consent(self.store, pces, holder, terms, now, keep_others=keep_others)
        ids = [right["id_droit_acces"] for right in made]
        code = secrets.token_hex(12)
        given = (identity.DATA_CLIENT_ID, REDIRECT, "openid", nonce, holder.email, tuple(ids), int(now.timestamp()))
        tokens.save_code(self.store, code, tokens.Code(*given), now + timedelta(seconds=60))
        return code, ids

    def exchange(self, code: str) -> Document:
        """Exchange a code as cozy-stack does; its requests are not ours."""
        client = {"client_id": identity.DATA_CLIENT_ID, "client_secret": identity.DATA_CLIENT_SECRET}
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, **client}
        where = f"{identity.REALM_PATH}/access_token"
        answer = self.app.test_client().post(where, base_url=f"http://{GRDF}", data=form)
        assert answer.status_code == 200, answer.get_data()
        return dict(answer.get_json())

    def rights(self, *pces: str, state: str = "") -> list[Document]:
        """Return GRDF's rights to some meters, all without one, oldest first."""
        return [
            each for each in rights.all_rights(self.store)
            if (not pces or each["id_pce"] in pces) and (not state or each["etat_droit_acces"] == state)
        ]  # fmt: skip

    def change_right(self, right: str, **fields: Any) -> None:
        found = rights.find_right(self.store, right)
        assert found
        rights.save_right(self.store, found | fields)

    def revoke(self, *ids: str, source: str = "TITULAIRE") -> None:
        for each in ids:
            found = rights.find_right(self.store, each)
            assert found
            rights.revoke(self.store, found, source, self.clock.now)

    def answer(self, pce: str) -> None:
        for right in self.rights(pce):
            mailbox.answer(self.store, right, self.clock.now, accept=True)

    def correct(self, pce: str, day: date, kwh: float | None) -> None:
        values = (pce, day.isoformat(), kwh, readings.CORRECTED)
        self.store.run("INSERT OR REPLACE INTO corrections VALUES (?, ?, ?, ?)", *values)

    def odd(self, pce: str, *, lines: Mapping[str, Any] | None = None, **changed: Any) -> Document:
        """Make a meter's answers odd, such as ``lines={"missing": [...]}``, ``refusal``, ``layout``; return how."""
        found = quirks.read_quirks(self.store, pce)
        days = {name: each if name == "partial" else [str(day) for day in each] for name, each in (lines or {}).items()}
        found |= {**changed, "lines": (found.get("lines") or {}) | days}
        quirks.write_quirks(self.store, pce, found)
        return found

    def grdf_days(self, pce: str, first: date, end: date) -> dict[date, float]:
        meter, odd = find_meter(pce), quirks.read_quirks(self.store, pce)
        assert meter
        days = readings.days_now(self.store, meter, first, end, self.clock.now)
        return {day.day: day.energy for day in days if day.energy is not None and not quirks.unusable(odd, day.day)}

    def documents(self, database: str) -> dict[str, Document]:
        return {key: doc for key, doc in self.couch.documents(database).items() if not key.startswith("_design")}

    def account(self, account: str) -> Document:
        return self.documents(ACCOUNTS).get(account, {})

    def put(self, account: str, parts: Document) -> None:
        """Write an account's document as cozy-stack or another program does: keep what others have put there."""
        self.couch.databases.setdefault(ACCOUNTS, {})
        stored = self.account(account) or {"_id": account, "account_type": "grdfgrandlyon", "name": ""}
        status, _ = self.couch.answer("PUT", f"/{ACCOUNTS}/{account}", json.dumps({**stored, **parts}).encode())
        assert status == 201

    def state(self, account: str) -> str:
        return self.account(account).get("state") or ""

    def days(self, account: str, pce: str) -> dict[date, float]:
        return {
            date(doc["year"], doc["month"], doc["day"]): doc["load"]
            for key, doc in self.documents(DAYS).items() if key.startswith(f"{account}:{pce}:")
        }  # fmt: skip

    def stored(self, account: str) -> int:
        kinds = (DAYS, MONTHS, YEARS, PERIODS)
        return sum(key.startswith(f"{account}:") for database in kinds for key in self.documents(database))

    def wrong(self, account: str, pce: str, first: date, end: date | None = None) -> list[object]:
        """Return the days that differ from GRDF's, by default without the newest, and all wrong totals."""
        end = end or self.ago(3)
        stored, there = self.days(account, pce), self.grdf_days(pce, first, end)
        due = {*there, *(day for day in stored if first <= day < end)}
        return [*sorted(day for day in due if stored.get(day) != there.get(day)), *self.wrong_totals()]

    def wrong_totals(self) -> list[str]:
        """Return the months and years that are not the exact sum of their stored days, and those that lack."""
        sums: dict[str, list[float]] = {}
        for key, doc in self.documents(DAYS).items():
            for length in (3, 6):
                sums.setdefault(key[:-length], []).append(doc["load"])
        due = {key: (sum(loads), len(loads)) for key, loads in sums.items()}
        totals = {**self.documents(MONTHS), **self.documents(YEARS)}
        there = {key: (doc["load"], doc["days"]) for key, doc in totals.items()}
        return sorted(key for key in {*there, *due} if there.get(key) != due.get(key))

    def backup(self) -> Document:
        return copy.deepcopy(self.couch.databases)

    def restore(self, backup: Document, *, but: str = "") -> None:
        kept = {but: self.couch.databases.get(but, {})} if but else {}
        self.couch.databases = copy.deepcopy(backup) | kept


def _response(
    adapter: HTTPAdapter, request: requests.PreparedRequest, status: int, body: bytes, headers: dict[str, str]
) -> requests.Response:
    headers = {name: value for name, value in headers.items() if name.lower() != "content-length"}  # it may be damaged
    raw = HTTPResponse(body=io.BytesIO(body), headers=headers, status=status, preload_content=False)
    return adapter.build_response(request, raw)
