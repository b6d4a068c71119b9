"""All data of a household anywhere, read without the project's code, and households with data to remove."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests

from include.gas.days.windows import Window
from include.gas.documents.doctypes import DAY, MONTH, YEAR
from include.sandbox.local_world import LocalWorld
from tests.helpers import holder, known_account

AUDIT_DATABASE, METERS = "com-grandlyon-grdf-audit", "com-grandlyon-grdf-meter"
ACCOUNTS = "io-cozy-accounts"
ACTIVE, REVOKED = "Active", "Révoquée"
DATA_CLIENT, DELETE_CLIENT = "sandbox_data_grdf", "sandbox_delete_grdf"


class Couch:
    def __init__(self, world: LocalWorld) -> None:
        self.url = world.couch.url
        self.http = requests.Session()
        self.http.auth = (world.couch.user, world.couch.password)

    def databases(self) -> list[str]:
        found = self.http.get(f"{self.url}/_all_dbs", timeout=30).json()
        return [name for name in found if "/" not in name]  # others have a prefix of some test's own

    def address(self, database: str) -> str:
        return f"{self.url}/{quote(database.replace('.', '-'), safe='')}"

    def documents(self, database: str) -> list[dict[str, Any]]:
        answer = self.http.get(f"{self.address(database)}/_all_docs?include_docs=true", timeout=30)
        return [row["doc"] for row in answer.json()["rows"]] if answer.ok else []

    def mentions(self, *words: str, but: tuple[str, ...] = ()) -> dict[str, list[str]]:
        found = {
            name: [doc["_id"] for doc in self.documents(name) if any(word in json.dumps(doc) for word in words)]
            for name in self.databases()
            if name not in but
        }
        return {name: ids for name, ids in found.items() if ids}

    def put(self, database: str, *documents: Mapping[str, Any]) -> None:
        self.http.put(self.address(database), timeout=30)
        answer = self.http.post(f"{self.address(database)}/_bulk_docs", json={"docs": documents}, timeout=60)
        assert answer.ok, answer.text
        assert not any("error" in row for row in answer.json()), answer.text

    def remove(self, database: str, *documents: Mapping[str, Any]) -> None:
        self.put(database, *({"_id": doc["_id"], "_rev": doc["_rev"], "_deleted": True} for doc in documents))

    def drop(self, database: str, *words: str) -> None:
        self.remove(database, *(doc for doc in self.documents(database) if any(word in doc["_id"] for word in words)))

    def forget_accounts(self) -> None:
        """Remove every account document, and all rights. Without its design, CouchDB would take late writes."""
        for database in (ACCOUNTS, METERS):
            self.remove(database, *(doc for doc in self.documents(database) if not doc["_id"].startswith("_design/")))

    def revisions(self) -> dict[str, str]:
        names = [name for name in self.databases() if not name.endswith(("lease", "meter"))]
        return {f"{name} {doc['_id']}": doc["_rev"] for name in names for doc in self.documents(name)}

    def records(self, account: str) -> list[dict[str, Any]]:
        found = [doc for doc in self.documents(AUDIT_DATABASE) if doc["_id"].startswith(f"{account}:")]
        return [doc for doc in found if "begun_at" in doc]


def alone(world: LocalWorld) -> Couch:
    couch = Couch(world)
    couch.forget_accounts()
    world.control.drop_consents()
    return couch


def fill(world: LocalWorld, account: str, pces: tuple[str, ...], days: int = 3) -> None:
    periods = {
        DAY: [f"2025-{1 + at // 28:02}-{1 + at % 28:02}" for at in range(days)],
        MONTH: ["2025-01"],
        YEAR: ["2025"],
    }
    for doctype, of_it in periods.items():
        ids = [(pce, f"{account}:{pce}:{period}") for pce in pces for period in of_it]
        docs = ({"_id": doc_id, "account": account, "pce": pce, "load": 1} for pce, doc_id in ids)
        Couch(world).put(doctype, *docs)


def staging_folder(account: str) -> Path:
    from grdf import settings

    return Path(settings.staging_url().removeprefix("file://")) / account


def stage(account: str, pce: str) -> None:
    from grdf import settings
    from grdf.staging.staged_answers import StagedAnswer, Staging

    answer = StagedAnswer(pce, Window(date(2025, 1, 1), date(2025, 1, 2)), "2025-01-02T00:00:00+00:00", "{}")
    Staging(settings.staging_url()).put(account, "left-behind", [answer])


def household(world: LocalWorld, account: str, meters: int = 1, days: int = 3, **terms: Any) -> tuple[str, ...]:
    pces = known_account(world, account, meters, **terms)
    world.control.clear_log()
    fill(world, account, pces, days)
    stage(account, pces[0])
    return pces


def brought(account: str, *made: Mapping[str, Any]) -> None:
    from grdf.hooks.couchdb import CouchDBHook
    from grdf.ledger.rights_ledger import Ledger, claimant_now
    from include.gas.rights.transitions import assign_right

    for right in made:
        event = partial(
            assign_right, who=claimant_now(account, "grdf_adict"), right_id=right["id_droit_acces"], way="adopted"
        )
        Ledger(CouchDBHook()).apply(right["id_pce"], event)


def rights(world: LocalWorld, pces: tuple[str, ...]) -> dict[str, str]:
    return {
        each["id_droit_acces"]: each["etat_droit_acces"] for each in world.control.consents() if each["id_pce"] in pces
    }


def revocations(world: LocalWorld) -> list[tuple[str, int, str]]:
    """Return (right, HTTP status, client) of every requested revocation, in order."""
    return [
        (call["path"].rpartition("/")[2], call["status"], call["client_id"])
        for call in world.control.log()
        if call["method"] == "PATCH"
    ]


def assert_gone(world: LocalWorld, account: str, pces: tuple[str, ...]) -> Mapping[str, Any]:
    couch = Couch(world)
    assert couch.mentions(account, but=(AUDIT_DATABASE,)) == {}
    assert couch.mentions(*pces, but=(METERS,)) == {}
    stay = [meter["rights"] for meter in couch.documents(METERS) if meter["_id"] in pces]
    assert all(rights and {right["state"] for right in rights} <= {"active", "waiting"} for rights in stay), "of others"
    assert couch.mentions(holder(account).email.removesuffix("1@example.org")) == {}
    assert not staging_folder(account).exists()
    (record,) = couch.records(account)
    assert record["finished_at"] >= record["begun_at"]
    assert not record.get("name")
    return record
