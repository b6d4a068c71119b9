"""Which accounts have a DAG: the bundle's files, and the list for the file that asks CouchDB itself. None vanishes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grdf.airflow.account_list import has_bundle, known_accounts
from grdf.airflow.bundle import account_bundle
from grdf.airflow.bundle.account_bundle import AccountBundle
from grdf.airflow.history_removal import SHARED, names_account
from grdf.hooks.couchdb import CouchDBHook
from grdf.stores.accounts import account_mirror
from grdf.stores.removal import Remover
from include.gas.days.spread import DAG_FILES, dag_file_of
from include.gas.documents.doctypes import ACCOUNT
from include.gas.errors import GasError, ServiceUnavailable
from tests.plugins.conftest import Put
from tests.plugins.drip import Drip

pytestmark = pytest.mark.usefixtures("home")
NAMES = ("a", "b", "c")


@pytest.fixture
def bundle(home: Path, monkeypatch: pytest.MonkeyPatch) -> AccountBundle:
    monkeypatch.setattr(account_bundle, "PAUSE", 0)
    made = AccountBundle(name="accounts")
    made.base_dir = home / "accounts"
    made.initialize()
    return made


def down(connection: Put) -> None:
    connection("couchdb", host="http://127.0.0.1:9", login="a", password="b")


def put(book: CouchDBHook, *accounts: str, **more: Any) -> None:
    known = book.fetch(ACCOUNT, accounts)
    for name in accounts:
        revision = {"_rev": known[name]["_rev"]} if name in known else {}
        assert book.put(ACCOUNT, {"_id": name, "account_type": "grdfgrandlyon", **revision, **more})


def held(bundle: AccountBundle) -> set[str]:
    found = {
        number: {name for name in (*NAMES, "new", "not good") if f'"{name}"' in path.read_text()}
        for number in range(DAG_FILES)
        if (path := bundle.path / f"grdf_accounts_{number}.py")
    }
    assert all(dag_file_of(name) == number for number, accounts in found.items() for name in accounts)
    return set().union(*found.values())


def written(bundle: AccountBundle, look: Callable[[], None]) -> set[str]:
    for path in bundle.path.iterdir():
        os.utime(path, (1, 1))
    look()
    return {path.name for path in bundle.path.iterdir() if path.stat().st_mtime != 1}


def files(*accounts: str) -> set[str]:
    return {f"grdf_accounts_{dag_file_of(name)}.py" for name in accounts}


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
    again = AccountBundle(name="accounts", version="1")  # a worker's copy
    again.base_dir = bundle.base_dir
    assert written(bundle, again.initialize) == set()


def test_others_dag_files_do_not_wait_long_for_a_couchdb_that_is_slow(
    bundle: AccountBundle, connection: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_bundle, "PAUSE", 1000)
    monkeypatch.setattr(account_mirror, "QUICK", (2.0, 0.25))
    with Drip(b"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n", b" ", every=0.1) as server:
        connection("couchdb", host=server.url, login="a", password="b")
        for _ in range(10):
            with pytest.raises(GasError):
                bundle.refresh()
        assert server.requests == 1, "it was not asked again"


def test_the_accounts_that_have_a_dag_keep_it_while_couchdb_is_down_or_emptied_by_accident(
    own_databases: CouchDBHook, connection: Put, caplog: pytest.LogCaptureFixture
) -> None:
    book = own_databases
    put(book, "b", "a", "not good")
    put(book, "left", leaving={"since": "2026-01-01T00:00:00Z"})
    put(book, "odd", oauth=["not", "an", "object"])  # its own DAG reports it
    book.write(ACCOUNT, [{"_id": "x", "account_type": "bank"}, {"_id": "y"}])
    assert known_accounts() == ("a", "b", "odd")
    book.require_success(book.request("DELETE", ACCOUNT, ""))
    assert known_accounts() == ("a", "b", "odd")
    assert "no database for io.cozy.accounts" in caplog.text
    down(connection)
    assert known_accounts() == ("a", "b", "odd")
    assert "3 accounts stay as they were. CouchDB at http://127.0.0.1:9 could not be reached" in caplog.text


def test_with_couchdb_down_and_nothing_known_it_is_an_error(home: Path, connection: Put) -> None:
    (home / "grdf").mkdir()
    (home / "grdf" / "accounts.json").write_text("{")
    down(connection)
    with pytest.raises(ServiceUnavailable, match=r"there is no earlier list of them: CouchDB at "):
        known_accounts()


def test_it_stands_aside_where_a_bundle_writes_files(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"
    plain = {"name": "a", "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle", "kwargs": {}}
    packaged = {"name": "b", "classpath": "grdf.airflow.bundle.packaged_bundle.PackagedBundle", "kwargs": {}}
    (ours,) = [line for line in Path("airflow.env").read_text().splitlines() if line.startswith(name)]
    monkeypatch.delenv(name, raising=False)
    assert not has_bundle()
    for bundles, found in ((json.dumps([plain, packaged]), False), (ours.partition("=")[2], True)):
        monkeypatch.setenv(name, bundles)
        assert has_bundle() is found


@pytest.mark.parametrize(
    ("conf", "named"),
    [
        ({"account": " home\n"}, True), ({"account": "hme", "confirm": "home"}, True), ({"accounts": "home"}, True),
        ({"accounts": ["other", " home "]}, True), ({"accounts": ["home-2", 7, None]}, False),
        ({"account": "home-2", "note": "at home"}, False), ({"accounts": {"home": 1}}, False), (None, False),
    ],
)  # fmt: skip
def test_a_configuration_names_an_account(conf: Any, named: bool) -> None:
    assert names_account(conf, "home") is named


def test_every_dag_that_works_on_any_account_is_known() -> None:
    """A new DAG must be added there, or its runs would count as somebody else's."""
    of_no_account = {"grdf_accounts", "grdf_city", "grdf_export_lake", "grdf_prices", "grdf_retention"}
    assert {file.stem for file in Path("dags").glob("grdf_*.py")} - of_no_account == set(SHARED)
