"""Thousands of connected households, as after their first run, and the data that must be stored."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from typing import Any
from unittest.mock import patch
from urllib.parse import quote

import requests

from include.gas.account.client import DEFAULT, with_client
from include.gas.account.status import Reading, Status
from include.gas.answers.consumption.daily import parse_daily
from include.gas.days.gas_day import paris_today
from include.gas.days.windows import Window
from include.gas.documents.day_documents import database_name
from include.gas.documents.doctypes import ACCOUNT, DAY, METER, MONTH, YEAR
from include.gas.documents.storing import store_readings
from include.sandbox.adict.identity import FIRST, Party
from include.sandbox.figures import summed
from include.sandbox.local_world import LocalWorld
from tests.meter_documents import meter_document

CHUNK = 500
USUAL = {DEFAULT: FIRST}
DAYS = 70
"""Gas days of each account before the pass: more than a daily run reads again."""
NEWEST = 4
"""Age in days of the newest, so that every next run finds a new day."""


@dataclass(frozen=True)
class Member:
    """One account of the fleet, with its synthetic meter and its client at GRDF."""

    id: str
    pce: str
    connection: str = DEFAULT


class Fleet:
    """The accounts, spread evenly over the clients, and the window of their rights."""

    def __init__(self, size: int, today: date, clients: Mapping[str, Party] = USUAL) -> None:
        self.clients = clients
        names = list(clients)
        self.members = [
            Member(_hash(number), f"0999999{number:07}", names[number % len(names)]) for number in range(size)
        ]
        self.first = today - timedelta(days=NEWEST + DAYS)
        self.seeded_end = today - timedelta(days=NEWEST)

    def connect(self, world: LocalWorld, members: Sequence[Member] | None = None) -> None:
        """Create rights at GRDF and account documents: of a fleet after its first run, or of new members."""
        is_read = members is None
        members = self.members if members is None else members
        http = requests.Session()
        http.auth = (world.couch.user, world.couch.password)
        for some in _chunks(members):
            by_pce = {}
            for connection, party in self.clients.items():
                if pces := [each.pce for each in some if each.connection == connection]:
                    terms = {"conso_debut": self.first.isoformat(), "company": party.company}
                    rights = world.control.consent(pces, **terms)
                    by_pce |= {right["id_pce"]: right["id_droit_acces"] for right in rights}
            documents = {
                ACCOUNT: [self._document(each, by_pce[each.pce], is_read=is_read) for each in some],
                METER: [self._meter(each, by_pce[each.pce]) for each in some],
            }
            for doctype, docs in documents.items():
                database = f"{world.couch.url}/{quote(database_name(doctype), safe='')}"
                http.put(database, timeout=30)  # 412 when it exists already
                answer = http.post(f"{database}/_bulk_docs", json={"docs": docs}, timeout=120)
                answer.raise_for_status()
                if refused := [row for row in answer.json() if "error" in row]:
                    raise RuntimeError(f"CouchDB did not take {len(refused)} documents: {refused[0]}")

    def _meter(self, member: Member, right: str) -> dict[str, Any]:
        return meter_document(member.pce, member.id, right, self.first, client=member.connection)

    def _document(self, member: Member, right: str, *, is_read: bool) -> dict[str, Any]:
        consent = {"pce": member.pce, "id_accreditation": right}
        document = {
            "_id": member.id,
            "account_type": "grdfgrandlyon",
            "oauth": {},
            "oauth_callback_results": {"pce_id": member.pce, "consents": [consent]},
        }
        if is_read:
            reading = Reading(whole_at=paris_today(datetime.now(UTC)), since=self.first, under=(right,))
            document = Status.with_reading(document, member.pce, reading)
        return with_client(document, member.connection)

    def seed(self) -> None:
        """Store the days before the pass with our own load, and note the rights as each morning does."""
        from grdf.hooks.couchdb import CouchDBHook
        from tests.helpers import MemoryShelf, adict_hook
        from tests.leaving.runs import check

        usual, couchdb = adict_hook(), CouchDBHook()
        window = Window(self.first, self.seeded_end)
        with patch("grdf.hooks.adict.Variables", MemoryShelf):  # outside a task there are no Variables
            hooks = {connection: usual.for_connection(connection) for connection in self.clients}
            for member in self.members:
                told = hooks[member.connection].daily_lines(member.pce, window, account=member.id)
                lines = parse_daily(told.body, account=member.id, pce=member.pce, window=window)
                store_readings(couchdb, member.id, member.pce, lines.rows, told.read_at, window=window)
            check()

    def differences(self, world: LocalWorld, last_days: Mapping[str, date]) -> list[str]:
        """Compare everything stored with GRDF's figures up to each newest run: a sentence per wrong account."""
        stored = _stored(world)
        wrong = []
        for member in self.members:
            if member.id not in last_days:
                wrong.append(f"account {member.id} had no successful run")
                continue
            end = last_days[member.id] + timedelta(days=1)
            expected = summed(world.control.expected(member.pce, self.first, end))
            held = stored.get((member.id, member.pce), {})
            odd = sorted(period for period in held.keys() | expected.keys() if held.get(period) != expected.get(period))
            if odd:
                wrong.append(f"account {member.id}: {len(odd)} periods differ from GRDF's, such as {odd[-1]}")
        return wrong


def _stored(world: LocalWorld) -> dict[tuple[str, str], dict[str, float]]:
    found: dict[tuple[str, str], dict[str, float]] = {}
    http = requests.Session()
    http.auth = (world.couch.user, world.couch.password)
    for doctype in (DAY, MONTH, YEAR):
        for document in _documents(http, f"{world.couch.url}/{quote(database_name(doctype), safe='')}"):
            account, pce, period = document["_id"].split(":")
            periods = found.setdefault((account, pce), {})
            periods[period] = document["load"]
    return found


def _documents(http: requests.Session, database: str, page: int = 20_000) -> Iterator[dict[str, Any]]:
    start = ""
    while True:
        params = {"include_docs": "true", "limit": str(page), "startkey": json.dumps(start)}
        answer = http.get(f"{database}/_all_docs", params=params, timeout=300)
        if answer.status_code == 404:
            return
        answer.raise_for_status()
        rows = answer.json()["rows"]
        yield from (row["doc"] for row in rows if not row["id"].startswith("_design/"))
        if len(rows) < page:
            return
        start = rows[-1]["id"] + "\0"


def _chunks(members: Sequence[Member]) -> Iterator[Sequence[Member]]:
    for at in range(0, len(members), CHUNK):
        yield members[at : at + CHUNK]


def _hash(number: int) -> str:
    return blake2b(f"fleet-{number}".encode(), digest_size=16).hexdigest()
