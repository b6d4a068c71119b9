"""Account documents can be changed by several processes at once without losing anything."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from typing import Any

import pytest

from grdf.hooks.couchdb import CouchDBHook
from grdf.stores.accounts.account_store import AccountStore
from include.gas.account.state import with_state
from include.gas.documents.doctypes import ACCOUNT
from include.gas.errors import BadAccount, ConsentLost, CredentialsRefused, StoreBusy
from include.sandbox.local_world import LocalWorld
from tests.helpers import known_account


@pytest.fixture
def store(couchdb: CouchDBHook) -> AccountStore:
    return AccountStore(couchdb)


def test_an_account_that_is_not_there(store: AccountStore, account_id: str) -> None:
    for call in (store.document, store.account):
        with pytest.raises(BadAccount, match=account_id):
            call(account_id)
    with pytest.raises(BadAccount, match=account_id):
        store.update(account_id, lambda document: document | {"x": 1})


def test_threads_that_change_one_account_lose_nothing(world: LocalWorld, store: AccountStore, account_id: str) -> None:
    known_account(world, account_id)
    start = Barrier(6)

    def work(number: int) -> None:
        mine = AccountStore(CouchDBHook())
        start.wait()
        for turn in range(3):
            new = {f"key-{number}-{turn}": number}
            mine.update(account_id, lambda document, new=new: document | new)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    document = store.document(account_id)
    assert sum(key.startswith("key-") for key in document) == 18


def test_a_document_that_was_read_before_is_not_read_again(
    world: LocalWorld, couchdb: CouchDBHook, store: AccountStore, account_id: str
) -> None:
    known_account(world, account_id)
    known = store.document(account_id)
    before = couchdb.requests_sent
    written = store.update(account_id, lambda document: document | {"mine": 1}, known=known)
    assert couchdb.requests_sent - before == 1
    assert written == store.document(account_id), "with its new revision"
    changed = store.update(account_id, lambda document: document | {"mine": 2}, known=written)
    assert store.update(account_id, dict, known=changed) == changed == store.document(account_id), "nothing is written"


@pytest.mark.parametrize("mine", [{"mine": 1}, {}])
def test_a_document_that_is_out_of_date_is_read_again_even_if_nothing_is_to_be_written(
    world: LocalWorld, store: AccountStore, account_id: str, mine: dict[str, Any]
) -> None:
    known_account(world, account_id)
    known = store.document(account_id)
    other = store.update(account_id, lambda document: document | {"other": 1})
    seen: list[dict[str, Any]] = []

    def change(document: dict[str, Any]) -> dict[str, Any]:
        seen.append(document)
        return document | mine

    stored = store.update(account_id, change, known=known)
    assert seen == [known, other]
    assert {key: stored.get(key) for key in ("other", *mine)} == {"other": 1, **mine}
    world.book.remove(account_id)
    with pytest.raises(BadAccount, match=account_id):
        store.update(account_id, change, known=known)
    assert world.book.get(account_id) is None


def test_it_gives_up_when_others_never_stop(
    world: LocalWorld, couchdb: CouchDBHook, store: AccountStore, account_id: str
) -> None:
    known_account(world, account_id)
    turns = iter(range(1000))

    def change(document: dict[str, Any]) -> dict[str, Any]:
        couchdb.put(ACCOUNT, document | {"other": next(turns)})
        return document | {"mine": 1}

    with pytest.raises(StoreBusy, match=account_id):
        store.update(account_id, change)
    assert "mine" not in store.document(account_id)


def test_a_failure_of_this_household_is_put_on_its_account(
    world: LocalWorld, store: AccountStore, account_id: str
) -> None:
    known_account(world, account_id)
    store.mark(account_id, ConsentLost.about(account_id, "revoked"))
    document = store.document(account_id)
    assert document["state"] == "USER_ACTION_NEEDED.OAUTH_OUTDATED"
    assert account_id in document["state_message"]
    since = datetime.fromisoformat(document["state_since"])
    assert abs((datetime.now(UTC) - since).total_seconds()) < 60
    store.mark(account_id, ConsentLost.about(account_id, "revoked"))
    assert store.document(account_id)["state_since"] == document["state_since"]
    store.update(account_id, lambda stored: with_state(stored, None))
    assert not store.document(account_id).get("state")


def test_a_failure_of_everybody_s_is_not(world: LocalWorld, store: AccountStore, account_id: str) -> None:
    known_account(world, account_id)
    before = store.document(account_id)
    store.mark(account_id, CredentialsRefused.about(account_id, "wrong secret"))
    assert store.document(account_id) == before


def test_the_list_has_our_account_type_alone(world: LocalWorld, store: AccountStore, account_id: str) -> None:
    known_account(world, account_id)
    world.book.save({"_id": f"{account_id}-bank", "account_type": "someotherbank"})
    world.book.save({"_id": f"{account_id}-none"})
    ids = [document["_id"] for document in store.listed()]
    assert account_id in ids
    assert not {f"{account_id}-bank", f"{account_id}-none"} & set(ids)
    assert ids == sorted(ids)
