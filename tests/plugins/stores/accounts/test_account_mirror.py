"""The mirror of the accounts is correct after any change of the documents, and cheap."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from grdf.hooks.couchdb import CouchDBHook
from grdf.stores.accounts.account_mirror import AccountMirror
from grdf.stores.removal import Remover
from include.gas.display.overview import overview
from include.gas.documents.doctypes import ACCOUNT
from include.gas.errors import ServiceUnavailable

IDS = ("mirror-a", "mirror-b", "mirror-c")


@pytest.fixture
def couchdb(own_databases: CouchDBHook) -> CouchDBHook:
    """The accounts that are mirrored."""
    return own_databases


def account(account_id: str, **more: Any) -> dict[str, Any]:
    return {"_id": account_id, "account_type": "grdfgrandlyon", "oauth": {"code": "c"}, **more}


def put(couchdb: CouchDBHook, *documents: dict[str, Any]) -> None:
    stored = couchdb.fetch(ACCOUNT, [document["_id"] for document in documents])
    revisions = {key: {"_rev": document["_rev"]} for key, document in stored.items()}
    for document in documents:
        assert couchdb.put(ACCOUNT, document | revisions.get(document["_id"], {}))


def test_it_follows_new_changed_and_removed_accounts(couchdb: CouchDBHook) -> None:
    mirror = AccountMirror(overview)
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


def test_an_account_that_is_gone_without_a_word_is_noticed(
    couchdb: CouchDBHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For example after a purge, which CouchDB's changes feed does not report."""
    mirror = AccountMirror(overview)
    put(couchdb, *map(account, IDS))
    mirror.lines()
    Remover(couchdb).remove(ACCOUNT, IDS[0])
    real = CouchDBHook.request

    def request(self: CouchDBHook, method: str, doctype: str, path: str, **more: Any) -> requests.Response:
        answer = real(self, method, doctype, path, **more)
        if path == "/_changes":
            told = answer.json()
            rows = [row for row in told["results"] if not row.get("deleted")]
            answer._content = json.dumps(told | {"results": rows}).encode()
        return answer

    monkeypatch.setattr(CouchDBHook, "request", request)
    assert sorted(mirror.lines()) == list(IDS[1:])


def test_a_database_that_was_made_anew_is_read_anew(couchdb: CouchDBHook) -> None:
    mirror = AccountMirror(overview)
    put(couchdb, *map(account, IDS))
    put(couchdb, *map(account, IDS))
    assert len(mirror.lines()) == 3
    couchdb.good(couchdb.request("DELETE", ACCOUNT, ""))
    put(couchdb, account("mirror-z"))
    assert list(mirror.lines()) == ["mirror-z"]


def test_a_look_costs_one_request_or_two_however_many_accounts_there_are(couchdb: CouchDBHook) -> None:
    mirror = AccountMirror(overview)
    put(couchdb, *(account(f"mirror-{n}") for n in range(50)))
    first = mirror.lines()
    before = mirror.couchdb.requests_sent
    assert mirror.lines() is first
    assert mirror.couchdb.requests_sent - before == 1
    put(couchdb, account("mirror-7", state="VENDOR_DOWN"))
    before = mirror.couchdb.requests_sent
    assert mirror.lines()["mirror-7"].state == "VENDOR_DOWN"
    assert mirror.couchdb.requests_sent - before == 2


def test_a_server_that_is_down_is_said_and_the_mirror_goes_on_afterwards(couchdb: CouchDBHook) -> None:
    mirror = AccountMirror(overview)
    put(couchdb, account("mirror-a"))
    mirror.lines()
    server = mirror.couchdb
    facts, server.facts = server.facts, server.facts._replace(url="http://127.0.0.1:9")
    with pytest.raises(ServiceUnavailable, match="could not be reached"):
        mirror.lines()
    server.facts = facts
    assert list(mirror.lines()) == ["mirror-a"]


def test_more_accounts_than_one_answer_holds(couchdb: CouchDBHook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grdf.stores.accounts.account_mirror.BATCH", 2)
    mirror = AccountMirror(overview)
    put(couchdb, *(account(f"mirror-{n}") for n in range(7)))
    assert len(mirror.lines()) == 7
