"""The accounts for the DAG file that asks CouchDB itself: one short look-up, and the last answer if there is none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grdf.airflow.account_list import has_bundle, known_accounts
from grdf.hooks.couchdb import CouchDBHook
from include.gas.documents.doctypes import ACCOUNT
from include.gas.errors import ServiceUnavailable


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An Airflow home in which no list was kept."""
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def book(home: Path, own_databases: CouchDBHook) -> CouchDBHook:
    """The accounts."""
    return own_databases


def account(name: str, **more: Any) -> dict[str, Any]:
    return {"_id": name, "account_type": "grdfgrandlyon", **more}


def test_the_accounts_that_have_a_dag(book: CouchDBHook) -> None:
    leaving = account("left", leaving={"since": "2026-01-01T00:00:00Z"})
    odd = account("odd", oauth=["not", "an", "object"])  # its own DAG says what is wrong
    others = ({"_id": "x", "account_type": "bank"}, {"_id": "y"})
    book.write(ACCOUNT, [account("b"), account("a"), account("not good"), leaving, odd, *others])
    assert known_accounts() == ("a", "b", "odd")


def test_with_couchdb_down_or_emptied_by_accident_every_dag_stays(
    book: CouchDBHook, connection: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    book.write(ACCOUNT, [account("a"), account("b")])
    good = known_accounts()
    book.good(book.request("DELETE", ACCOUNT, ""))
    assert known_accounts() == good
    assert "no database for io.cozy.accounts" in caplog.text
    connection("couchdb", host="http://127.0.0.1:9", login="a", password="b")
    assert known_accounts() == good
    assert "2 accounts stay as they were. CouchDB at http://127.0.0.1:9 could not be reached" in caplog.text


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("kept", [None, "{", '{"ids": 1'])
def test_with_couchdb_down_and_nothing_known_it_is_an_error(
    home: Path, connection: Callable[..., str], kept: str | None
) -> None:
    if kept is not None:
        (home / "grdf").mkdir()
        (home / "grdf" / "accounts.json").write_text(kept)
    connection("couchdb", host="http://127.0.0.1:9", login="a", password="b")
    with pytest.raises(ServiceUnavailable, match=r"there is no earlier list of them: CouchDB at .*come back"):
        known_accounts()


def test_it_stands_aside_where_a_bundle_writes_files(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"
    plain = {"name": "a", "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle", "kwargs": {}}
    packaged = {"name": "b", "classpath": "grdf.airflow.bundle.packaged_bundle.PackagedBundle", "kwargs": {}}
    monkeypatch.delenv(name, raising=False)
    assert not has_bundle()
    monkeypatch.setenv(name, json.dumps([plain, packaged]))
    assert not has_bundle()
    (ours,) = [line for line in Path("airflow.env").read_text().splitlines() if line.startswith(name)]
    monkeypatch.setenv(name, ours.partition("=")[2])
    assert has_bundle()
