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
    database,
    index_name,
)
from include.gas.documents.gas_days import account_range, database_name
from tests.leaving.purging_server import PurgingCouch

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from grdf.stores.database_files import DatabaseFiles
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


@pytest.fixture
def files(hook: CouchDBHook) -> DatabaseFiles:
    from grdf.stores.database_files import DatabaseFiles

    return DatabaseFiles(hook)


def compact(files: DatabaseFiles, doctype: str) -> None:
    files.compact(doctype)
    files.compact_indexes(doctype)


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


def test_databases_that_do_not_exist(remover: Remover, files: DatabaseFiles) -> None:
    assert remover.remove_range(MONTH, *RANGE) == 0
    assert remover.remove(ACCOUNT, "leaver") == 0
    compact(files, MONTH)


def test_compaction_of_indexes(server: PurgingCouch, files: DatabaseFiles, capsys: pytest.CaptureFixture[str]) -> None:
    """Also of those that others have made. One that cannot be built keeps nobody's data from being removed."""
    server.designs = [
        {"_id": "_design/by_year", "language": "query", "views": {"by_year": {"map": {"fields": {"year": "asc"}}}}},
        {"_id": "_design/theirs", "language": "javascript", "views": {"lib": {"x": "1"}, "all": {"map": "f"}}},
        {"_id": "_design/broken", "language": "javascript", "views": {"all": {"map": "f"}}},
        {"_id": "_design/without", "language": "javascript"},
    ]
    server.broken = {"_design/broken"}
    compact(files, DAY)
    name = database_name(DAY)
    assert server.compacted == [name, f"{name}/by_year", f"{name}/theirs", f"{name}/broken", f"{name}/without"]
    said = capsys.readouterr().out
    assert "could not be brought up to date for view all of _design/broken (HTTP 400)" in said
    assert "theirs" not in said


@pytest.mark.parametrize("doctype", [DAY, MONTH, YEAR, PUBLISHED])
def test_indexes_are_up_to_date_when_they_are_compacted(
    server: PurgingCouch, files: DatabaseFiles, doctype: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """CouchDB looks elsewhere, without an error, if a query does not ask for all fields of an index."""
    server.databases[database_name(doctype)] = {}
    server.designs = [
        {
            "_id": f"_design/{index_name(fields)}",
            "language": "query",
            "views": {index_name(fields): {"map": {"fields": dict.fromkeys(fields, "asc")}}},
        }
        for fields in database(doctype).indexes
    ]
    compact(files, doctype)
    assert server.designs
    assert server.updated == [each["_id"] for each in server.designs]
    assert "could not be brought" not in capsys.readouterr().out


def test_an_index_that_couchdb_does_not_use_is_told(
    server: PurgingCouch, files: DatabaseFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    words = {"words": {"map": {"fields": "all_fields"}}}
    server.designs = [{"_id": "_design/odd", "language": "query", "views": words}]
    compact(files, DAY)
    assert "view words of _design/odd (HTTP 200: CouchDB did not use it)" in capsys.readouterr().out


def test_a_compaction_that_runs_is_waited_for(
    server: PurgingCouch, files: DatabaseFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second one beside it is answered like a first, and does nothing."""
    from grdf.stores import database_files

    monkeypatch.setattr(database_files, "LOOK", 0.001)
    server.designs = [{"_id": "_design/without", "language": "javascript"}]
    name = database_name(DAY)
    server.busy.update({name: 3, f"{name}/without": 2})
    compact(files, DAY)
    assert server.compacted == [name, f"{name}/without"]


def test_a_compaction_that_never_ends_keeps_nobody_from_leaving(
    server: PurgingCouch, files: DatabaseFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    from grdf.stores import database_files

    monkeypatch.setattr(database_files, "LOOK", 0.001)
    monkeypatch.setattr(database_files, "PATIENCE", 0.01)
    server.busy[database_name(DAY)] = 1_000_000
    compact(files, DAY)
    assert server.compacted == [], "it goes on by itself, and this ends"


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
    compact(DatabaseFiles(couchdb), DAY)
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


def test_a_deletion_knows_every_id_that_a_meter_s_documents_may_have(server: PurgingCouch, hook: CouchDBHook) -> None:
    """Days that were taken back and periods that were replaced are tombstones, like totals without days."""
    from grdf.operators.deletion.purge import PurgeAccountOperator

    former = {DAY: "2024-02-29", PUBLISHED: "2025-12-01", MONTH: "2025-01", YEAR: "2025"}
    assert former.keys() == set(DATA) - {CONSENT_RECORD}, "of every database whose ids contain a meter's number"
    for doctype, period in former.items():
        server.databases[database_name(doctype)] = {}
        ids = [f"{account}:{pce}:{period}" for account, pce in (("leaver", "p"), ("leaver", "q"), ("stayer", "p"))]
        hook.write(doctype, [{"_id": key} for key in ids])
        hook.write(doctype, [{"_id": key, "_rev": "1-a", "_deleted": True} for key in ids])
    purge = PurgeAccountOperator(task_id="purge", account_id="leaver")
    purge.forget_former({"p", "q"})
    for doctype, period in former.items():
        assert list(server.databases[database_name(doctype)]) == [f"stayer:p:{period}"]
