"""The indexes that are made with a database: what Cozy's clients ask for finds them, and our own ranges are as before.

On a real CouchDB, too, when GRDF_TEST_COUCHDB_URL names one.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
import requests

from grdf.hooks.couchdb import CouchDBHook
from include.gas.documents.doctypes import ACCOUNT, DATA, DAY, MONTH, YEAR, database, index_name
from include.gas.documents.gas_days import account_range, database_name
from include.sandbox.local_world import LocalWorld

SORTS = {DAY: ("year", "month", "day"), MONTH: ("year", "month"), YEAR: ("year",)}


@pytest.fixture
def hook(world: LocalWorld, connection: Callable[..., str]) -> Iterator[CouchDBHook]:
    prefix, root = f"cozy{secrets.token_hex(4)}/", world.couch.url
    user, password = world.couch.user, world.couch.password
    conn_id = connection("couchdb_indexed", host=root, login=user, password=password, extra={"database_prefix": prefix})
    yield CouchDBHook(conn_id)
    for doctype in (*DATA, ACCOUNT):
        name = quote(database_name(doctype, prefix), safe="")
        requests.delete(f"{root}/{name}", auth=(user, password), timeout=30)


def documents(account: str = "home") -> list[dict[str, Any]]:
    return [
        {"_id": f"{account}:09999995000010:2026-0{month}-0{day}", "account": account, "year": 2026, "month": month,
         "day": day, "load": 10 * month + day}
        for month in (1, 2) for day in (1, 2, 3)
    ]  # fmt: skip


def indexes(hook: CouchDBHook, doctype: str) -> set[str]:
    told = hook.good(hook.request("GET", doctype, "/_index")).json()["indexes"]
    return {each["ddoc"].removeprefix("_design/") for each in told if each["ddoc"]}


def sorted_by(hook: CouchDBHook, doctype: str, by: tuple[str, ...], **more: Any) -> dict[str, Any]:
    """Ask as Cozy's clients do: newest first, by the index that is named after the fields."""
    query = {
        "selector": {by[0]: {"$gt": None}}, "sort": [{field: "desc"} for field in by],
        "use_index": f"_design/{index_name(by)}", **more,
    }  # fmt: skip
    return dict(hook.good(hook.request("POST", doctype, "/_find", body=query)).json())


@pytest.mark.parametrize("doctype", SORTS)
def test_the_first_write_makes_what_cozys_clients_sort_by(hook: CouchDBHook, doctype: str) -> None:
    hook.write(doctype, documents())
    assert indexes(hook, doctype) == {index_name(fields) for fields in database(doctype).indexes}
    found = sorted_by(hook, doctype, SORTS[doctype], limit=4)
    assert [(each["year"], each["month"]) for each in found["docs"]] == [(2026, 2)] * 3 + [(2026, 1)] or doctype == YEAR
    rest = sorted_by(hook, doctype, SORTS[doctype], limit=4, bookmark=found["bookmark"])
    assert len({each["_id"] for each in (*found["docs"], *rest["docs"])}) == 6


def test_an_accounts_days_are_found_by_the_account(hook: CouchDBHook) -> None:
    hook.write(DAY, [*documents(), *documents("other")])
    by = ("account", "year", "month", "day")
    selector = {"account": "other", "year": 2026, "month": {"$gt": None}, "day": {"$gt": None}}
    found = sorted_by(hook, DAY, by, selector=selector, fields=["load"])
    assert [each["load"] for each in found["docs"]] == [23, 22, 21, 13, 12, 11]


def test_making_them_again_changes_nothing(hook: CouchDBHook) -> None:
    assert hook.create_database(DAY) == ["created"]
    assert hook.create_database(DAY) == ["exists"]
    before = indexes(hook, DAY)
    hook.good(hook.request("POST", DAY, "/_index", body={"index": {"fields": ["load"]}, "ddoc": "by_load"}))
    assert hook.create_database(DAY) == ["exists"]
    assert indexes(hook, DAY) == before | {"by_load"}


def test_indexes_are_no_documents_of_ours(hook: CouchDBHook) -> None:
    hook.write(DAY, documents())
    assert list(hook.scan(DAY)) == hook.range(DAY, *account_range("home"))
