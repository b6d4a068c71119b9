"""Account documents: several processes change one and lose nothing; the mirror follows any change, and is cheap."""

from __future__ import annotations

from typing import Any

import pytest

from grdf.hooks.couchdb import CouchDBHook
from grdf.stores.accounts import account_mirror
from grdf.stores.accounts.account_mirror import AccountMirror
from grdf.stores.accounts.account_store import AccountStore
from grdf.stores.removal import Remover
from include.gas.display.account_summary import summarize_account
from include.gas.documents.doctypes import ACCOUNT
from include.gas.errors import BadAccount, ServiceUnavailable

IDS = ("home-a", "home-b", "home-c")


@pytest.fixture
def couchdb(own_databases: CouchDBHook) -> CouchDBHook:
    return own_databases


@pytest.fixture
def store(couchdb: CouchDBHook) -> AccountStore:
    put(couchdb, account("home"))
    return AccountStore(couchdb)


def account(account_id: str, **more: Any) -> dict[str, Any]:
    return {"_id": account_id, "account_type": "grdfgrandlyon", "oauth": {"code": "c"}, **more}


def put(couchdb: CouchDBHook, *documents: dict[str, Any]) -> None:
    stored = couchdb.fetch(ACCOUNT, [document["_id"] for document in documents])
    revisions = {key: {"_rev": document["_rev"]} for key, document in stored.items()}
    for document in documents:
        assert couchdb.put(ACCOUNT, document | revisions.get(document["_id"], {}))


def test_the_list_has_our_account_type_alone_and_one_that_is_not_there_is_named(
    couchdb: CouchDBHook, store: AccountStore
) -> None:
    put(couchdb, account("a"), {"_id": "bank", "account_type": "someotherbank"}, {"_id": "none"})
    assert [document["_id"] for document in store.active_documents()] == ["a", "home"]
    for call in (
        store.read_document,
        store.read_account,
        lambda name: store.update(name, lambda document: document | {"x": 1}),
    ):
        with pytest.raises(BadAccount, match="not-there"):
            call("not-there")


@pytest.mark.parametrize("mine", [{"mine": 1}, {}])
def test_a_document_that_was_read_before_is_read_again_only_if_it_is_out_of_date(
    couchdb: CouchDBHook, store: AccountStore, mine: dict[str, Any]
) -> None:
    known, before = store.read_document("home"), couchdb.requests_sent
    written = store.update("home", lambda document: document | {"first": 1}, known=known)
    assert couchdb.requests_sent - before == 1
    assert store.update("home", dict, known=written) == written == store.read_document("home"), "nothing is written"
    seen: list[dict[str, Any]] = []

    def change(document: dict[str, Any]) -> dict[str, Any]:
        seen.append(document)
        return document | mine

    stored = store.update("home", change, known=known)
    assert seen == [known, written], "even if nothing is to be written"
    assert {key: stored.get(key) for key in ("first", *mine)} == {"first": 1, **mine}
    couchdb.put(ACCOUNT, stored | {"_deleted": True})
    with pytest.raises(BadAccount, match="home"):
        store.update("home", change, known=known)
    assert couchdb.get(ACCOUNT, "home") is None


@pytest.mark.parametrize("batch", [1000, 2])
def test_it_follows_new_changed_and_removed_accounts(
    couchdb: CouchDBHook, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(account_mirror, "BATCH", batch)
    mirror = AccountMirror(summarize_account)
    assert mirror.lines() == {}  # there is not even a database
    put(couchdb, *map(account, IDS), {"_id": "other", "account_type": "bank"})
    couchdb.write(ACCOUNT, [{"_id": "_design/x", "language": "js"}])
    assert sorted(mirror.lines()) == list(IDS)
    put(couchdb, account(IDS[1], state="VENDOR_DOWN"))
    assert [line.state for line in mirror.lines().values()].count("VENDOR_DOWN") == 1
    Remover(couchdb).remove(ACCOUNT, IDS[0])
    assert sorted(mirror.lines()) == list(IDS[1:])
    put(couchdb, account(IDS[0]))
    assert sorted(mirror.lines()) == list(IDS)
    put(couchdb, {"_id": IDS[2], "account_type": "bank"})
    assert sorted(mirror.lines()) == list(IDS[:2])
    couchdb.require_success(couchdb.request("DELETE", ACCOUNT, ""))
    put(couchdb, account("new"))
    assert list(mirror.lines()) == ["new"], "a database that was made anew is read anew"


def test_a_look_costs_one_request_or_two_however_many_accounts_there_are_and_goes_on_after_an_outage(
    couchdb: CouchDBHook,
) -> None:
    mirror = AccountMirror(summarize_account)
    put(couchdb, *(account(f"home-{n}") for n in range(50)))
    first, server = mirror.lines(), mirror.couchdb
    before = server.requests_sent
    assert mirror.lines() is first
    assert server.requests_sent - before == 1
    put(couchdb, account("home-7", state="VENDOR_DOWN"))
    assert mirror.lines()["home-7"].state == "VENDOR_DOWN"
    assert server.requests_sent - before == 3
    facts, server.facts = server.facts, server.facts._replace(url="http://127.0.0.1:9")
    with pytest.raises(ServiceUnavailable, match="could not be reached"):
        mirror.lines()
    server.facts = facts
    assert len(mirror.lines()) == 50
