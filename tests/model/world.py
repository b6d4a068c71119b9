"""The world of one life: GRDF and CouchDB in memory, households that consent, and a record of everything."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from include.gas.documents.day_documents import database_name
from include.gas.documents.doctypes import ACCOUNT
from include.sandbox.adict import identity, paris
from include.sandbox.adict.access import rights
from include.sandbox.adict.client_connect import tokens
from include.sandbox.adict.meter_data import quirks, readings
from include.sandbox.adict.meter_data.meters import Holder, find_meter
from include.sandbox.adict.store import Store
from include.sandbox.adict.world import World as Sandbox
from tests.model.clock import FACE, Clock
from tests.model.couch import Couch, Document
from tests.model.truth import Book
from tests.model.wire import GRDF, Wire, lay

if TYPE_CHECKING:
    from flask import Flask

ACCOUNTS = ("alder", "birch", "cedar")
METERS = ("09999990000101", "09999990000202", "09999990000303", "GI999404")
REDIRECT = "https://airflow.example/grdf/callback"
ACCOUNTS_DATABASE = database_name(ACCOUNT)


@cache
def _sandbox() -> tuple[Flask, Sandbox]:
    """Return GRDF. It is created once, because everything that a life changes is in its store."""
    from include.sandbox.adict.app import make_app

    sandbox = Sandbox(Store(Path(":memory:")), int(GRDF.rpartition(":")[2]), (REDIRECT,))
    return make_app(sandbox), sandbox


class Shelf:
    """The store of the shared token, which is an Airflow Variable in production."""

    text: str | None = None

    def get(self, _name: str) -> str | None:
        return Shelf.text

    def __setitem__(self, _name: str, text: str) -> None:
        Shelf.text = text


class Ledger:
    """The store of the ledger of calls to GRDF."""

    text: str | None = None

    def __init__(self, url: str = "") -> None:
        pass

    def update(self, _key: str, change: Any) -> Any:
        Ledger.text, result = change(Ledger.text, FACE.at().timestamp())
        return result


@dataclass
class World:
    """The world of one life.

    :param clock: the life's clock
    :param staging: a folder that only this life uses
    """

    clock: Clock
    staging: Path
    sandbox: Sandbox = field(init=False)
    couch: Couch = field(init=False)
    wire: Wire = field(init=False)
    book: Book = field(init=False)
    diary: list[str] = field(default_factory=list)
    at_work: set[str] = field(default_factory=set)
    """DAGs of accounts with a running task, for which a deletion waits."""

    def __post_init__(self) -> None:
        FACE.clock = self.clock
        app, self.sandbox = _sandbox()
        self.sandbox.store.close()
        self.sandbox.store = Store(Path(":memory:"))
        self.sandbox.store.put("id_token_clock", "sandbox")
        self.sandbox.store.put("real_shift_years", 0)
        self.book = Book(lambda: rights.all_rights(self.sandbox.store), lambda: self.clock.now)
        self.book.secrets |= {*METERS, identity.DATA_CLIENT_SECRET, identity.DELETE_CLIENT_SECRET}
        self.couch = Couch(self.book.written)
        self.wire = Wire(app, self.couch, self.clock, self.book)
        Shelf.text = Ledger.text = None
        lay(self.wire)

    def end(self) -> None:
        """Forget it."""
        lay(None)
        FACE.clock = None

    def say(self, text: str) -> None:
        """Record what happens, to show how a life went wrong."""
        self.diary.append(f"{self.clock.now:%Y-%m-%d %H:%M} {text:.300}")

    @property
    def today(self) -> date:
        """The civil date in Paris."""
        return paris.civil_day(self.clock.now)

    # -- households -------------------------------------------------------------------------------------------------

    def consent(
        self, account: str, pces: Iterable[str], terms: rights.Terms, *, keep_others: bool, nonce: str
    ) -> tuple[str, list[str]]:
        """Make a household consent on GRDF's site. Return the code and the new rights."""
        store, now = self.sandbox.store, self.clock.now
        holder = Holder("Alix", "Exemple", f"{account}@example.org", tuple(pces))
        made = rights.consent(store, pces, holder, terms, now, keep_others=keep_others)
        ids = [right["id_droit_acces"] for right in made]
        for right in ids:
            self.book.owner[right] = account
        code = secrets.token_hex(12)
        kept = tokens.Code(
            identity.DATA_CLIENT_ID, REDIRECT, "openid", nonce, holder.email, tuple(ids), int(now.timestamp())
        )
        tokens.save_code(store, code, kept, now + timedelta(seconds=60))
        self.book.secrets.add(code)
        return code, ids

    def exchanged(self, code: str) -> dict[str, Any]:
        """Exchange a code as cozy-stack does, over a separate wire."""
        told = (
            _sandbox()[0]
            .test_client()
            .post(
                f"{identity.REALM_PATH}/access_token",
                base_url=f"http://{GRDF}",
                data={
                    "grant_type": "authorization_code",
                    "code": code,
                    "redirect_uri": REDIRECT,
                    "client_id": identity.DATA_CLIENT_ID,
                    "client_secret": identity.DATA_CLIENT_SECRET,
                },
            )
        )
        assert told.status_code == 200, told.get_data()
        token: dict[str, Any] = told.get_json()
        self.book.secrets |= {token["id_token"], token["access_token"]}
        return token

    def put_account(self, account: str, parts: Document) -> None:
        """Write an account document as cozy-stack does: replace its own keys and keep all others."""
        self.couch.databases.setdefault(ACCOUNTS_DATABASE, {})
        stored = self.account(account) or {"_id": account, "account_type": "grdfgrandlyon", "name": ""}
        status, _ = self.couch.answer(
            "PUT", f"/{ACCOUNTS_DATABASE}/{account}", json.dumps({**stored, **parts}).encode()
        )
        assert status == 201

    def account(self, account: str) -> Document | None:
        """Return an account's document as it is."""
        return self.couch.documents(ACCOUNTS_DATABASE).get(account)

    # -- GRDF -------------------------------------------------------------------------------------------------------

    def rights_of(self, pce: str) -> list[rights.Right]:
        """Return a meter's rights, oldest first."""
        return rights.rights_to_meter(self.sandbox.store, pce)

    def end_right(self, right: rights.Right, source: str) -> None:
        """End a right at GRDF."""
        if right["etat_droit_acces"] in rights.REVOCABLE:
            rights.revoke(self.sandbox.store, right, source, self.clock.now)

    def oddities(self, pce: str, **changed: Any) -> dict[str, Any]:
        """Change a meter's quirks, and return them."""
        found = quirks.read_quirks(self.sandbox.store, pce)
        if changed:
            lines = {**(found.get("lines") or {}), **changed.pop("lines", {})}
            found = {**found, **changed, "lines": lines}
            quirks.write_quirks(self.sandbox.store, pce, found)
        return found

    def correct(self, pce: str, day: date, energy: int | None) -> None:
        """Make GRDF correct or withdraw a day."""
        self.sandbox.store.run(
            "INSERT OR REPLACE INTO corrections VALUES (?, ?, ?, ?)", pce, day.isoformat(), energy, readings.CORRECTED
        )

    def told_now(self, pce: str, first: date, end: date) -> dict[date, float]:
        """Return the days for which GRDF has a figure now."""
        meter = find_meter(pce)
        assert meter is not None
        odd = self.oddities(pce)
        days = readings.days_now(self.sandbox.store, meter, first, end, self.clock.now)
        return {day.day: day.energy for day in days if day.energy is not None and not quirks.unusable(odd, day.day)}


def terms(today: date, back: int, ahead: int, calls: int, *, daily: bool = True) -> rights.Terms:
    """Return the terms of a consent.

    :param back: number of past days that may be read
    :param ahead: number of days from today on that may be read; if negative, the consent ends in the past
    :param calls: number of days during which calls are allowed
    """
    first = today - timedelta(days=back)
    perimeters = rights.PERIMETERS if daily else ("publiees", "contractuelles")
    end = max(today + timedelta(days=ahead), first + timedelta(days=1))
    return rights.Terms(tuple(perimeters), first, end, today, today + timedelta(days=calls))


def begin(start: date, staging: Path) -> World:
    """Create a world whose time begins on a day, at noon."""
    return World(Clock(datetime(start.year, start.month, start.day, 11, tzinfo=UTC)), staging)
