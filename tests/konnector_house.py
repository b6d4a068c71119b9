"""A household's databases in CouchDB, with documents of the konnector's, and the operator that adopts them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from include.gas.answers.consumption.daily import Reading
from include.gas.documents.doctypes import ACCOUNT, DAY, MONTH, YEAR
from include.gas.documents.storing import load_answer
from tests.couch_places import Place
from tests.helpers import context

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

PCE = "09900000000017"
DOCTYPES = (DAY, MONTH, YEAR)
numbers = itertools.count(1)


class House:
    """One Cozy instance: databases with a separate prefix, and an account in them."""

    def __init__(self, world: LocalWorld, patch: pytest.MonkeyPatch, account: str = "home") -> None:
        self.account = account
        self.place = Place(world.couch.url, (world.couch.user, world.couch.password), f"adopt{next(numbers)}/")
        self.place.create(*DOCTYPES, ACCOUNT)
        self._http = self.place.session()
        patch.setenv("AIRFLOW_CONN_COUCHDB", self.connection())
        self.put_account()

    def connection(self) -> str:
        return self.place.airflow_connection()

    def put_account(self, account: str = "", **keys: Any) -> None:
        document = {"_id": account or self.account, "account_type": "grdfgrandlyon", "oauth": {}}
        self.put(ACCOUNT, [{**document, "oauth_callback_results": {"pce_id": PCE}, **keys}])

    def put(self, doctype: str, documents: list[dict[str, Any]]) -> None:
        answer = self._http.post(self.place.database(doctype) + "/_bulk_docs", json={"docs": documents}, timeout=30)
        assert all("error" not in row for row in answer.json()), answer.text

    def load(self, loads: Mapping[date, Any]) -> None:
        from grdf.hooks.couchdb import CouchDBHook

        readings = [Reading(day, load, "definitive") for day, load in loads.items()]
        load_answer(CouchDBHook(), self.account, PCE, readings, datetime(2024, 2, 1, tzinfo=UTC))

    def documents(self, doctype: str) -> list[dict[str, Any]]:
        answer = self._http.get(self.place.database(doctype) + "/_all_docs?include_docs=true", timeout=30)
        return [row["doc"] for row in answer.json()["rows"]]

    def own(self, doctype: str, documents: list[dict[str, Any]] | None = None) -> dict[str, dict[str, Any]]:
        """Return the project's own documents by period."""
        start = f"{self.account}:{PCE}:"
        found = self.documents(doctype) if documents is None else documents
        return {each["_id"].removeprefix(start): each for each in found if each["_id"].startswith(start)}

    def theirs(self) -> list[dict[str, Any]]:
        return [each for doctype in DOCTYPES for each in self.documents(doctype) if ":" not in each["_id"]]

    def revisions(self) -> dict[str, str]:
        return {f"{name} {each['_id']}": each["_rev"] for name in (*DOCTYPES, ACCOUNT) for each in self.documents(name)}


def adopt(account: str = "home", *, dry_run: Any = False) -> dict[str, Any]:
    from airflow.sdk import DAG

    from grdf.operators.adopt import AdoptKonnectorOperator

    with DAG("grdf_adopt_konnector", schedule=None):
        operator = AdoptKonnectorOperator(task_id="adopt", account_id=account)
    return dict(operator.execute(context() | {"params": {"account": account, "dry_run": dry_run}}))
