"""The indexes that are made with a database: what Cozy's clients ask for finds them, and our own ranges are as before.

On a real CouchDB, too, when GRDF_TEST_COUCHDB_URL names one; there also in a partitioned database.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
import requests

from grdf.hooks.couch_answers import checked
from grdf.hooks.couchdb import CouchDBHook
from grdf.hooks.mango_indexes import make_indexes
from include.gas.documents.doctypes import ACCOUNT, DATA, DAY, MONTH, YEAR, database, index_name
from include.gas.documents.gas_days import account_range, database_name
from include.gas.errors import BadSettings
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
    assert hook.create_database(DAY)
    assert not hook.create_database(DAY)
    assert make_indexes(hook, DAY) == []
    before = indexes(hook, DAY)
    hook.good(hook.request("POST", DAY, "/_index", body={"index": {"fields": ["load"]}, "ddoc": "by_load"}))
    assert make_indexes(hook, DAY) == []
    assert indexes(hook, DAY) == before | {"by_load"}


def test_indexes_are_no_documents_of_ours(hook: CouchDBHook) -> None:
    hook.write(DAY, documents())
    assert list(hook.scan(DAY)) == hook.range(DAY, *account_range("home"))


def test_a_database_that_is_partitioned_gets_indexes_for_all_its_partitions(hook: CouchDBHook) -> None:
    if "partitioned" not in (hook.greeting().get("features") or []):
        pytest.skip("this CouchDB has no partitions")
    hook.good(hook.request("PUT", DAY, "", query={"partitioned": "true"}))
    hook.write(DAY, [*documents(), *documents("other")])
    assert indexes(hook, DAY) == set()
    assert make_indexes(hook, DAY) == [index_name(fields) for fields in database(DAY).indexes]
    found = sorted_by(hook, DAY, SORTS[DAY], limit=100)
    assert [each["load"] for each in found["docs"]] == [23, 23, 22, 22, 21, 21, 13, 13, 12, 12, 11, 11]


class Partitioned:
    """A partitioned database as CouchDB 3 has it, with an index that a client has made without a word of partitions.

    CouchDB refuses to make it again for all partitions (``partitioned_option_mismatch``, HTTP 400).
    """

    def __init__(self, design: dict[str, Any]) -> None:
        self.designs = {"by_year_and_month_and_day": design}
        self.asked: list[tuple[str, str]] = []

    def request(self, method: str, _doctype: str, path: str, **more: Any) -> requests.Response:
        self.asked.append((method, path))
        name = path.removeprefix("/_design/")
        if path == "":
            return answer(200, {"props": {"partitioned": True}})
        if path == "/_index":
            order = more["body"]
            assert order["partitioned"] is False
            if order["name"] in self.designs:
                return answer(
                    400, {"error": "invalid_options", "reason": "Requested partitioned option does not match"}
                )
            self.designs[order["name"]] = {"language": "query", "views": {order["name"]: {}}}
            return answer(200, {"result": "created"})
        if method == "DELETE":
            del self.designs[name]
            return answer(200, {"ok": True})
        return answer(200, {"_id": f"_design/{name}", "_rev": "1-a", **self.designs[name]})

    def good(self, response: requests.Response) -> requests.Response:
        return checked(response, "couchdb")


def answer(status: int, body: dict[str, Any]) -> requests.Response:
    made = requests.Response()
    made.status_code, made._content, made.url = status, json.dumps(body).encode(), "http://couchdb.example:5984/x"
    return made


def test_an_index_that_a_client_made_for_single_partitions_gives_way() -> None:
    server = Partitioned({"language": "query", "views": {"by_year_and_month_and_day": {}}})
    assert len(make_indexes(server, DAY)) == 2  # type: ignore[arg-type]  # as much of a hook as is needed
    assert ("DELETE", "/_design/by_year_and_month_and_day") in server.asked


def test_a_design_document_that_is_more_than_such_an_index_stays() -> None:
    server = Partitioned({"language": "javascript", "views": {"theirs": {"map": "f"}}})
    with pytest.raises(BadSettings):
        make_indexes(server, DAY)  # type: ignore[arg-type]
    assert not any(method == "DELETE" for method, _ in server.asked)
