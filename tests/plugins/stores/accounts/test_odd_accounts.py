"""One odd account document hides no other account: any program may have written it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from grdf.hooks.couchdb import CouchDBHook
from grdf.stores.accounts.account_index import make_index
from grdf.stores.accounts.account_store import AccountStore
from include.gas.answers.access_rights import WAITING
from include.gas.documents.doctypes import ACCOUNT
from tests.helpers import known_account
from tests.rights.declared import waits

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

NAME = "odd-account"


def results(consents: object) -> dict[str, Any]:
    return {"oauth_callback_results": {"consents": consents}}


ODD: dict[str, dict[str, Any]] = {
    "null": results([None]),
    "no list": results({"a": None}),
    "others hold null": results([{"pce": "x", "others": [None]}]),
    "others is an object": results([{"others": {"x": None}}]),
    "results a list": {"oauth_callback_results": [None]},
}


def designs(couchdb: CouchDBHook) -> list[str]:
    query = {"startkey": '"_design/"', "endkey": '"_design0"'}
    return [row["id"] for row in couchdb.request("GET", ACCOUNT, "/_all_docs", query=query).json()["rows"]]


@pytest.fixture(params=["searched", "indexed"])
def store(couchdb: CouchDBHook, request: pytest.FixtureRequest) -> Iterator[AccountStore]:
    couchdb.create_database(ACCOUNT)
    if request.param == "indexed":
        assert make_index(couchdb) == "new"
        assert make_index(couchdb) == "up to date"
    yield AccountStore(couchdb)
    for name in designs(couchdb):
        found = couchdb.request("GET", ACCOUNT, f"/{name}").json()
        couchdb.request("DELETE", ACCOUNT, f"/{name}", query={"rev": found["_rev"]})


@pytest.fixture
def odd(clean: LocalWorld, request: pytest.FixtureRequest) -> Iterator[str]:
    clean.book.save({"_id": NAME, "account_type": "grdfgrandlyon", "declaration": {"pce": "x"}, **ODD[request.param]})
    yield NAME
    clean.book.remove(NAME)


@pytest.mark.parametrize("odd", ODD, indirect=True)
def test_it_hides_no_account(clean: LocalWorld, store: AccountStore, account_id: str, odd: str) -> None:
    (pce,) = known_account(clean, account_id)
    assert account_id in [document["_id"] for document in store.holding(pce)]
    store.waiting()


@pytest.mark.parametrize("odd", ["null", "others hold null"], indirect=True)
def test_a_right_that_waits_is_found(clean: LocalWorld, store: AccountStore, account_id: str, odd: str) -> None:
    waits(clean, account_id)
    assert account_id in [document["_id"] for document in store.waiting()]


def test_an_account_is_found_by_each_of_its_meters_until_it_has_them_no_more(
    clean: LocalWorld, store: AccountStore, account_id: str
) -> None:
    number = int(account_id.rpartition("-")[2])
    single, one, two = (f"0977777{number * 10 + at:07}" for at in range(3))
    listed = [{"pce": one}, {"pce": two, "others": [{"unusable": WAITING}]}]
    given = {"oauth_callback_results": {"pce_id": single, "consents": listed}, "declaration": {"pce": two}}
    clean.book.save({"_id": account_id, "account_type": "grdfgrandlyon", **given})
    clean.book.save({"_id": f"{account_id}-else", "account_type": "else", **given})
    for pce in (single, one, two):
        assert [document["_id"] for document in store.holding(pce)] == [account_id]
    assert account_id in [document["_id"] for document in store.waiting()]
    clean.book.save({key: each for key, each in (clean.book.get(account_id) or {}).items() if key != "declaration"})
    assert account_id not in [document["_id"] for document in store.waiting()]
    clean.book.remove(account_id)
    assert store.holding(one) == []
    clean.book.remove(f"{account_id}-else")
