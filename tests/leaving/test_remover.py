"""Removing documents leaves no tombstones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
import requests

from include.gas.documents.doctypes import (
    ACCOUNT,
    CONSENT_RECORD,
    DATA,
    DAY,
    MONTH,
    PUBLISHED,
    YEAR,
)
from include.gas.documents.gas_days import account_range, database_name, possible_ids
from tests.leaving.purging_server import PurgingCouch

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from grdf.stores.removal import Remover
    from include.sandbox.local_world import LocalWorld

RANGE = account_range("leaver")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[PurgingCouch]:
    with PurgingCouch().running() as running:
        connection = {"conn_type": "generic", "host": "127.0.0.1", "port": running.port, "login": "a", "password": "b"}
        monkeypatch.setenv("AIRFLOW_CONN_COUCHDB", json.dumps(connection))
        running.databases[database_name(DAY)] = {}
        yield running


@pytest.fixture
def hook(server: PurgingCouch) -> CouchDBHook:
    from grdf.hooks.couchdb import CouchDBHook

    return CouchDBHook()


@pytest.fixture
def remover(hook: CouchDBHook) -> Remover:
    from grdf.stores.removal import Remover

    return Remover(hook)


def fill(hook: CouchDBHook, account: str, number: int) -> None:
    written = hook.write(DAY, [{"_id": f"{account}:p:{at:05}"} for at in range(number)]).written
    assert len(written) == number


def test_no_tombstone_stays(server: PurgingCouch, hook: CouchDBHook, remover: Remover) -> None:
    fill(hook, "leaver", 1250)
    fill(hook, "leaver2", 2)
    fill(hook, "Leaver", 2)
    assert remover.remove_range(DAY, *RANGE) == 1250
    assert sorted(server.databases[database_name(DAY)]) == [
        f"{name}:p:{at:05}" for name in ("Leaver", "leaver2") for at in (0, 1)
    ]
    assert max(server.purges) <= 100
    assert remover.remove_range(DAY, *RANGE) == 0


def test_databases_that_do_not_exist(remover: Remover) -> None:
    assert remover.remove_range(MONTH, *RANGE) == 0
    assert remover.remove(ACCOUNT, "leaver") == 0
    from grdf.stores.database_files import DatabaseFiles

    DatabaseFiles(remover.couchdb).compact(MONTH)


def test_a_document_that_is_written_meanwhile_stays(server: PurgingCouch, hook: CouchDBHook, remover: Remover) -> None:
    fill(hook, "leaver", 5)

    def change(method: str, path: str, body: Any) -> None:
        if path.endswith("/_purge"):
            server.databases[database_name(DAY)]["leaver:p:00003"] = ("7-other", False)

    server.before = change
    assert remover.remove_range(DAY, *RANGE) == 4
    assert list(server.databases[database_name(DAY)]) == ["leaver:p:00003"]


def test_a_whole_server_keeps_no_tombstone(world: LocalWorld, couchdb: CouchDBHook, account_id: str) -> None:
    from grdf.stores.database_files import DatabaseFiles
    from grdf.stores.removal import Remover

    url, login = f"{world.couch.url}/{database_name(DAY)}", (world.couch.user, world.couch.password)
    fill(couchdb, account_id, 350)
    remover, mine = Remover(couchdb), account_range(account_id)
    assert remover.remove_range(DAY, *mine) == 350
    DatabaseFiles(remover.couchdb).compact(DAY)
    changes = requests.get(f"{url}/_changes", auth=login, timeout=30).json()["results"]
    assert [each for each in changes if each["id"].startswith(f"{account_id}:")] == []


def test_what_was_deleted_before_is_purged_by_its_ids(
    server: PurgingCouch, hook: CouchDBHook, remover: Remover
) -> None:
    """A load removes a total whose days are gone, and its tombstone does not appear in any list."""
    server.databases[database_name(MONTH)] = {}
    ids = [f"leaver:p:2025-{month:02}" for month in range(1, 13)]
    hook.write(MONTH, [{"_id": key} for key in ids[:2]])
    hook.write(MONTH, [{"_id": ids[0], "_rev": "1-a", "_deleted": True}])
    assert remover.remove_tombstones(MONTH, ids) == 1
    assert list(server.databases[database_name(MONTH)]) == [ids[1]]
    assert remover.remove_tombstones(MONTH, ids) == 0
    assert remover.remove_tombstones(ACCOUNT, ids) == 0


def test_a_deletion_knows_every_id_that_a_meter_s_documents_may_have(
    server: PurgingCouch, hook: CouchDBHook, remover: Remover
) -> None:
    """Days that were taken back and periods that were replaced are tombstones, like totals without days."""
    former = {DAY: "2024-02-29", PUBLISHED: "2025-12-01", MONTH: "2025-01", YEAR: "2025"}
    assert former.keys() == set(DATA) - {CONSENT_RECORD}, "of every database whose ids contain a meter's number"
    for doctype, period in former.items():
        server.databases[database_name(doctype)] = {}
        names = [f"{account}:{pce}:{period}" for account, pce in (("leaver", "p"), ("leaver", "q"), ("stayer", "p"))]
        hook.write(doctype, [{"_id": key} for key in names])
        hook.write(doctype, [{"_id": key, "_rev": "1-a", "_deleted": True} for key in names])
    for pce in ("p", "q"):
        for doctype, ids in possible_ids("leaver", pce, range(2024, 2026)).items():
            remover.remove_tombstones(doctype, ids)
    for doctype, period in former.items():
        assert list(server.databases[database_name(doctype)]) == [f"stayer:p:{period}"]
