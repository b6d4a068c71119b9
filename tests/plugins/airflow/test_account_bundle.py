"""The bundle's files: what a refresh writes, and what an outage leaves as it is."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grdf.airflow.bundle import account_bundle
from grdf.airflow.bundle.account_bundle import AccountBundle
from grdf.hooks.couchdb import CouchDBHook
from grdf.stores.accounts import account_mirror
from grdf.stores.removal import Remover
from include.gas.days.spread import DAG_FILES, dag_file_of
from include.gas.documents.doctypes import ACCOUNT
from include.gas.errors import GasError
from tests.plugins.drip import Drip

NAMES = ("a", "b", "c")


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AccountBundle:
    """The DAG processor's bundle in a folder of its own."""
    monkeypatch.setattr(account_bundle, "PAUSE", 0)
    made = AccountBundle(name="accounts")
    made.base_dir = tmp_path / "accounts"
    made.initialize()
    return made


def put(book: CouchDBHook, *names: str, **more: Any) -> None:
    known = book.fetch(ACCOUNT, names)
    for name in names:
        revision = {"_rev": known[name]["_rev"]} if name in known else {}
        assert book.put(ACCOUNT, {"_id": name, "account_type": "grdfgrandlyon", **revision, **more})


def held(bundle: AccountBundle) -> set[str]:
    """Return the accounts in the bundle's files, each in its own."""
    found = {
        number: {name for name in (*NAMES, "new", "not good") if f'"{name}"' in path.read_text()}
        for number in range(DAG_FILES)
        if (path := bundle.path / f"grdf_accounts_{number}.py")
    }
    assert all(dag_file_of(name) == number for number, names in found.items() for name in names)
    return set().union(*found.values())


def written(bundle: AccountBundle, look: Callable[[], None]) -> set[str]:
    """Return the files that a look has written, and touched."""
    for path in bundle.path.iterdir():
        os.utime(path, (1, 1))
    look()
    return {path.name for path in bundle.path.iterdir() if path.stat().st_mtime != 1}


def files(*names: str) -> set[str]:
    return {f"grdf_accounts_{dag_file_of(name)}.py" for name in names}


def test_a_refresh_writes_what_has_changed_and_nothing_else(bundle: AccountBundle, own_databases: CouchDBHook) -> None:
    book = own_databases
    put(book, *NAMES, "not good")
    bundle.refresh()
    assert held(bundle) == set(NAMES)
    bundle.refresh()
    assert written(bundle, bundle.refresh) == set(), "nothing has changed"
    put(book, "a", state="VENDOR_DOWN")
    assert written(bundle, bundle.refresh) == set(), "nothing that DAGs depend on"

    put(book, "new")
    assert written(bundle, bundle.refresh) == files("new")
    assert written(bundle, bundle.refresh) == files("new"), "Airflow may have been reading it when it was written"
    assert written(bundle, bundle.refresh) == set()

    Remover(book).remove(ACCOUNT, "a")
    put(book, "b", leaving={"since": "2026-01-01T00:00:00Z"})
    assert written(bundle, bundle.refresh) == files("a", "b")
    assert held(bundle) == {"c", "new"}


def test_an_outage_leaves_the_files_as_they_are(
    bundle: AccountBundle, own_databases: CouchDBHook, caplog: pytest.LogCaptureFixture
) -> None:
    book = own_databases
    put(book, *NAMES)
    bundle.refresh()
    bundle.refresh()
    assert bundle._mirror is not None
    server = bundle._mirror.couchdb
    facts, server.facts = server.facts, server.facts._replace(url="http://127.0.0.1:9")
    for _ in range(3):
        assert written(bundle, bundle.refresh) == set()
    assert caplog.text.count("stay as they are until CouchDB tells the accounts") == 1
    assert "could not be reached" in caplog.text
    server.facts = facts
    bundle.refresh()
    book.good(book.request("DELETE", ACCOUNT, ""))
    assert written(bundle, bundle.refresh) == set()
    assert held(bundle) == set(NAMES)
    put(book, "new")
    bundle.refresh()
    assert held(bundle) == {"new"}


def test_a_copy_of_a_worker_does_not_touch_what_is_there(bundle: AccountBundle, own_databases: CouchDBHook) -> None:
    put(own_databases, *NAMES)
    bundle.refresh()
    again = AccountBundle(name="accounts", version="1")
    again.base_dir = bundle.base_dir
    assert written(bundle, again.initialize) == set()
    assert held(bundle) == set(NAMES)


def test_others_dag_files_do_not_wait_long_for_a_couchdb_that_is_slow(
    bundle: AccountBundle, connection: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_bundle, "PAUSE", 1000)
    monkeypatch.setattr(account_mirror, "QUICK", (2.0, 0.25))
    with Drip(b"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n", b" ", every=0.1) as server:
        connection("couchdb", host=server.url, login="a", password="b")
        with pytest.raises(GasError):
            bundle.refresh()
        began = time.monotonic()
        for _ in range(10):
            with pytest.raises(GasError):
                bundle.refresh()
        assert time.monotonic() - began < 0.4, "it was not asked again"


def test_before_couchdb_has_answered_airflow_reads_no_file(
    bundle: AccountBundle, connection: Callable[..., str]
) -> None:
    connection("couchdb", host="http://127.0.0.1:9", login="a", password="b")
    for _ in range(2):
        with pytest.raises(GasError, match="could not be reached"):
            bundle.refresh()
