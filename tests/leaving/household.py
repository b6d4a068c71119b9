"""All data of a household anywhere, read without the project's code, and households with data to remove."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import requests

from include.gas.days.gas_day import utc_text
from include.gas.days.windows import Window
from include.gas.documents.doctypes import AUDIT, DAY, MONTH, YEAR
from include.gas.documents.gas_days import database_name
from include.gas.leaving.deletion import Order, begun, open_record
from tests.helpers import holder, known_account

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

AUDIT_DATABASE, METERS = "com-grandlyon-grdf-audit", "com-grandlyon-grdf-meter"
ACTIVE, REVOKED = "Active", "Révoquée"
DATA_CLIENT, DELETE_CLIENT = "sandbox_data_grdf", "sandbox_delete_grdf"


class Couch:
    """Plain HTTP to the session's CouchDB."""

    def __init__(self, world: LocalWorld) -> None:
        self.url = world.couch.url
        self.http = requests.Session()
        self.http.auth = (world.couch.user, world.couch.password)

    def databases(self) -> list[str]:
        return list(self.http.get(f"{self.url}/_all_dbs", timeout=30).json())

    def documents(self, database: str) -> list[dict[str, Any]]:
        """Return all documents of a database; none if it does not exist."""
        answer = self.http.get(f"{self.url}/{quote(database, safe='')}/_all_docs?include_docs=true", timeout=30)
        return [row["doc"] for row in answer.json()["rows"]] if answer.ok else []

    def mentions(self, *words: str, but: tuple[str, ...] = ()) -> dict[str, list[str]]:
        """Return the ids of documents whose id or text contains one of the words, by database."""
        found = {
            name: [doc["_id"] for doc in self.documents(name) if any(word in json.dumps(doc) for word in words)]
            for name in self.databases()
            if name not in but
        }
        return {name: ids for name, ids in found.items() if ids}

    def put(self, database: str, document: Mapping[str, Any]) -> None:
        """Create a document, and the database if it does not exist."""
        self.http.put(f"{self.url}/{database}", timeout=30)
        url = f"{self.url}/{database}/{quote(document['_id'], safe='')}"
        assert self.http.put(url, json=document, timeout=30).ok

    def remove(self, database: str, document: Mapping[str, Any]) -> None:
        """Remove a document in its current revision."""
        url = f"{self.url}/{database}/{quote(document['_id'], safe='')}"
        assert self.http.delete(url, params={"rev": document["_rev"]}, timeout=30).ok

    def drop(self, database: str) -> None:
        """Remove a database."""
        assert self.http.delete(f"{self.url}/{database}", timeout=30).ok

    def restore(self, database: str, documents: list[dict[str, Any]]) -> None:
        """Restore removed documents, and their database if necessary."""
        self.http.put(f"{self.url}/{database}", timeout=30)
        there = {doc["_id"] for doc in self.documents(database)}
        for document in documents:
            if document["_id"] not in there:
                self.put(database, {key: value for key, value in document.items() if key != "_rev"})

    def forget_accounts(self) -> None:
        """Remove every account document, and all rights. Without its design, CouchDB would take late writes."""
        for database in ("io-cozy-accounts", METERS):
            for doc in self.documents(database):
                if not doc["_id"].startswith("_design/"):
                    self.remove(database, doc)

    def revisions(self) -> dict[str, str]:
        """Return the revisions of all documents except leases, and meters, where each answer of GRDF is noted."""
        names = [name for name in self.databases() if not name.endswith(("lease", "meter"))]
        return {f"{name} {doc['_id']}": doc["_rev"] for name in names for doc in self.documents(name)}

    def records(self, account: str) -> list[dict[str, Any]]:
        """Return the records of an account's deletions that have begun."""
        found = [doc for doc in self.documents(AUDIT_DATABASE) if doc["_id"].startswith(f"{account}:")]
        return [doc for doc in found if "begun_at" in doc]


def fill(world: LocalWorld, account: str, pces: tuple[str, ...], days: int = 3) -> dict[str, int]:
    """Store some days and their totals for each meter, as a load would. Return the number of documents per doctype."""
    couch = Couch(world)
    docs: dict[str, list[dict[str, Any]]] = {DAY: [], MONTH: [], YEAR: []}
    for pce in pces:
        kinds = [(DAY, f"2025-{1 + at // 28:02}-{1 + at % 28:02}") for at in range(days)] + [
            (MONTH, "2025-01"),
            (YEAR, "2025"),
        ]
        for doctype, period in kinds:
            docs[doctype].append({"_id": f"{account}:{pce}:{period}", "account": account, "pce": pce, "load": 1})
    for doctype, documents in docs.items():
        couch.http.put(f"{couch.url}/{database_name(doctype)}", timeout=30)
        answer = couch.http.post(
            f"{couch.url}/{database_name(doctype)}/_bulk_docs", json={"docs": documents}, timeout=30
        )
        assert answer.ok, answer.text
    return {doctype: len(documents) for doctype, documents in docs.items()}


def staging_folder(account: str) -> Path:
    """Return the folder with an account's staged answers."""
    from grdf import settings

    return Path(settings.staging_url().removeprefix("file://")) / account


def stage(account: str, pce: str, body: str = "{}", run_id: str = "left-behind", **more: str) -> None:
    """Leave a staged file behind, as a failed run does."""
    from grdf import settings
    from grdf.staging.area import StagedAnswer, Staging

    window = Window(date(2025, 1, 1), date(2025, 1, 2))
    answer = StagedAnswer(pce, window, "2025-01-02T00:00:00+00:00", body)
    Staging(settings.staging_url()).put(account, run_id, [answer])


def household(world: LocalWorld, account: str, meters: int = 1, days: int = 3, **terms: Any) -> tuple[str, ...]:
    """Create an account as after its first run, with stored days, totals and a staged file. Return its meters."""
    pces = known_account(world, account, meters, **terms)
    world.control.clear_log()
    fill(world, account, pces, days)
    stage(account, pces[0])
    return pces


def brought(account: str, *made: Mapping[str, Any]) -> None:
    """Give rights on an account's meters to the account, as if it had connected again before."""
    from grdf.hooks.couchdb import CouchDBHook
    from grdf.ledger.meters import Ledger, asking
    from include.gas.rights.transitions import brought

    for right in made:
        event = partial(brought, who=asking(account, "grdf_adict"), right_id=right["id_droit_acces"], way="adopted")
        Ledger(CouchDBHook()).apply(right["id_pce"], event)


def note_deletion(account: str, *, keep_data: bool = False, ended: bool = False, **more: Any) -> dict[str, Any]:
    """Note on its record that an account's deletion has begun, and return the record.

    :param more: terms of the order
    """
    from grdf.hooks.couchdb import CouchDBHook

    order = Order(**{"run": "r", "started": "", "asked_by": "someone", "keep_data": keep_data, **more})
    record = begun(open_record(account, []), order, datetime.now(UTC))
    record |= {"finished_at": utc_text(datetime.now(UTC)) if ended else None}
    CouchDBHook().put(AUDIT, record)
    return record


def rights(world: LocalWorld, pces: tuple[str, ...]) -> dict[str, str]:
    """Return the state of each right on some meters, by GRDF's id."""
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
    """Assert that only the deletion's record is left of the household, without meter numbers. Return the record."""
    couch = Couch(world)
    assert couch.mentions(account, *pces, but=(AUDIT_DATABASE, METERS)) == {}
    assert not staging_folder(account).exists()
    assert couch.mentions(*pces, but=(METERS,)) == {}
    stay = [meter["rights"] for meter in couch.documents(METERS) if meter["_id"] in pces]
    assert all(right["state"] in ("active", "waiting") for rights in stay for right in rights), "those of others"
    assert all(rights for rights in stay)
    assert couch.mentions(account, but=(AUDIT_DATABASE,)) == {}
    assert couch.mentions(holder(account).email.removesuffix("1@example.org")) == {}
    (record,) = couch.records(account)
    assert record["finished_at"] >= record["begun_at"]
    assert not record.get("name")
    return record
