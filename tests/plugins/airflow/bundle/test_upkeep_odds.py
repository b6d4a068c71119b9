"""The upkeep of the accounts' DAGs on bad days: odd answers, full disks, requests that are lost."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from airflow.models.dag import DagModel
from airflow.utils.session import create_session

from grdf import settings
from grdf.airflow import account_list
from grdf.airflow.account_list import known_accounts
from grdf.airflow.bundle import account_watch, upkeep
from grdf.airflow.bundle.account_watch import AccountWatch
from grdf.airflow.bundle.upkeep import Upkeep
from grdf.hooks.couchdb import CouchDBHook
from grdf.stores import shared_list
from grdf.stores.accounts import account_mirror
from include.gas.documents.doctypes import ACCOUNT
from include.gas.documents.gas_days import dag_id
from tests.plugins.airflow.bundle.upkeep_scene import (
    BUNDLE,
    DAGS,
    FIRST,
    SECOND,
    THIRD,
    account,
    asked,
    file_of,
    show,
    shown,
)

Change = Callable[[str, dict[str, Any]], None]


@pytest.fixture
def changed(monkeypatch: pytest.MonkeyPatch) -> list[Change]:
    """What changes CouchDB's answers: functions of a request's path and of the answer. None at first."""
    changes: list[Change] = []
    real = CouchDBHook.request

    def request(self: CouchDBHook, method: str, doctype: str, path: str, **more: Any) -> requests.Response:
        answer = real(self, method, doctype, path, **more)
        for change in changes:
            body = answer.json()
            change(path, body)
            answer._content = json.dumps(body).encode()
        return answer

    monkeypatch.setattr(CouchDBHook, "request", request)
    return changes


def test_an_answer_that_lacks_a_document_takes_no_dag_away(
    kept: Upkeep, couchdb: CouchDBHook, changed: list[Change]
) -> None:
    def without_documents(path: str, body: dict[str, Any]) -> None:
        for row in body["results"] if path == "/_changes" else ():
            row["doc"] = None

    changed.append(without_documents)
    stored = couchdb.get(ACCOUNT, FIRST)
    assert stored
    couchdb.put(ACCOUNT, stored | {"state": ""})
    kept.look()
    assert shown() == {dag_id(FIRST), dag_id(SECOND)}


def test_a_list_that_came_cut_is_mended_by_the_next_look(
    kept: Upkeep, couchdb: CouchDBHook, changed: list[Change]
) -> None:
    couchdb.write(ACCOUNT, [account(THIRD)])
    kept.look()
    show(THIRD)

    def cut(path: str, body: dict[str, Any]) -> None:
        if path == "/_all_docs":
            body["rows"] = [row for row in body["rows"] if row["id"] != FIRST]
        if path == "":
            body["doc_count"] += 1

    changed.append(cut)
    kept.look()
    assert dag_id(FIRST) not in shown()
    changed.clear()
    kept.look()
    assert file_of(FIRST) in asked()


@pytest.mark.parametrize(
    "odd", [{"last_seq": None}, {"results": {}}, {"results": None}, {"results": [{"seq": 1}]}, {"results": [{"id": 7}]}]
)
def test_an_odd_answer_changes_nothing_and_is_said_once(
    kept: Upkeep, couchdb: CouchDBHook, changed: list[Change], caplog: pytest.LogCaptureFixture, odd: dict[str, Any]
) -> None:
    couchdb.write(ACCOUNT, [account(THIRD)])
    changed.append(lambda path, body: body.update(odd if path == "/_changes" else {}))
    for _ in range(3):
        kept.look()
    assert (shown(), asked()) == ({dag_id(FIRST), dag_id(SECOND)}, set())
    assert caplog.text.count("stay as they are until CouchDB answers again") == 1
    assert "Traceback" not in caplog.text
    changed.clear()
    kept.look()
    assert asked() == {file_of(THIRD)}


def test_a_list_that_could_not_be_shared_is_shared_later(
    kept: Upkeep, couchdb: CouchDBHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__GRDF__ACCOUNTS_MAX_AGE", "20")
    written: list[Any] = []
    fails = [True]

    def write(accounts: Any, *, at: float, before: Any) -> bool:
        if not fails[0]:
            written.append(accounts["ids"])
        return not fails[0]

    monkeypatch.setattr(shared_list, "read", lambda: None)
    monkeypatch.setattr(shared_list, "write", write)
    couchdb.write(ACCOUNT, [account(THIRD)])
    kept.look()
    known_accounts()
    fails[0] = False
    kept.look()
    known_accounts()
    kept.look()
    known_accounts()
    assert written == [[FIRST, THIRD, SECOND]], "once"


def test_the_variable_is_compared_once_a_day(kept: Upkeep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__GRDF__ACCOUNTS_MAX_AGE", "20")
    written: list[float] = []
    monkeypatch.setattr(shared_list, "read", lambda: None)
    monkeypatch.setattr(shared_list, "write", lambda _, **more: not written.append(more["at"]))
    now, touch = time.time(), os.utime
    for hour in range(49):
        monkeypatch.setattr(time, "time", lambda hour=hour: now + 3600 * hour)
        monkeypatch.setattr(os, "utime", lambda path, hour=hour: touch(path, (now + 3600 * hour - 3,) * 2))
        kept.look()
        known_accounts()
    assert len(written) in (2, 3), "the first, and each day's"


def test_a_full_disk_is_said_once_and_new_accounts_get_their_dags(
    kept: Upkeep, couchdb: CouchDBHook, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(account_list, "write_private", full)
    couchdb.write(ACCOUNT, [account(THIRD)])
    for _ in range(5):
        kept.look()
    assert caplog.text.count("could not be stored at") == 1
    assert file_of(THIRD) in asked()


def test_without_a_writable_home_the_dags_follow_the_accounts(
    couchdb: CouchDBHook, monkeypatch: pytest.MonkeyPatch, clock: list[float]
) -> None:
    def read_only(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(account_list, "write_private", read_only)
    couchdb.write(ACCOUNT, [account(FIRST)])
    made = Upkeep(BUNDLE, DAGS)
    files: set[str] = set()
    for _ in range(40):
        clock[0] += 5
        made.look()
        files |= asked()
    assert files == {"grdf_broken_accounts.py", file_of(FIRST)}


def test_an_unreadable_copy_is_said_once(couchdb: CouchDBHook, caplog: pytest.LogCaptureFixture) -> None:
    couchdb.write(ACCOUNT, [account(FIRST)])
    (settings.home() / "accounts.json").mkdir(parents=True)
    made = Upkeep(BUNDLE, DAGS)
    for _ in range(5):
        made.look()
    assert caplog.text.count("cannot be read") == 1


def test_many_accounts_may_take_long_at_first(couchdb: CouchDBHook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_watch, "GIVEN_UP", 0.5)
    monkeypatch.setattr(account_mirror, "BATCH", 2)
    couchdb.write(ACCOUNT, [account(f"upkeep-{n:02}") for n in range(20)])
    real = CouchDBHook.request

    def slow(self: CouchDBHook, *arguments: Any, **more: Any) -> requests.Response:
        time.sleep(0.2)
        return real(self, *arguments, **more)

    monkeypatch.setattr(CouchDBHook, "request", slow)
    watch, found = AccountWatch(), None
    for _ in range(60):
        if found := watch.look(0.2):
            break
    assert found
    assert len(found.ids) == 20


def test_a_word_about_broken_accounts_is_not_lost(
    kept: Upkeep, couchdb: CouchDBHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: object) -> None:
        raise RuntimeError("database is locked")

    couchdb.write(ACCOUNT, [account("an odd id")])
    with monkeypatch.context() as patch:
        patch.setattr(kept._rows, "request", locked)
        with pytest.raises(RuntimeError):
            kept.look()
    kept.look()
    assert asked() == {"grdf_broken_accounts.py"}


def test_a_dag_that_was_renamed_is_not_looked_for_for_ever(kept: Upkeep, clock: list[float]) -> None:
    with create_session() as session:
        session.merge(
            DagModel(
                dag_id="former_name", bundle_name=BUNDLE, relative_fileloc="grdf_history.py", is_stale=True,
                timetable_type="x",
            )
        )  # fmt: skip
    times = 0
    for _ in range(120):
        clock[0] += 60
        kept.look()
        times += bool(asked())
    assert times == upkeep.TRIES


def test_a_dag_of_somebody_else_is_left_alone_whatever_its_id(kept: Upkeep, clock: list[float]) -> None:
    show("overview")
    with create_session() as session:
        session.get_one(DagModel, dag_id("overview")).relative_fileloc = "of_the_city.py"
    for _ in range(30):
        clock[0] += 10
        kept.look()
    assert dag_id("overview") in shown()


def test_files_behind_a_link_are_found_and_missing_ones_said(
    kept: Upkeep,
    couchdb: CouchDBHook,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    folder = tmp_path / "dag folder"
    folder.mkdir()
    empty = Upkeep(BUNDLE, folder)
    (tmp_path / "linked").mkdir()
    (folder / "grdf").symlink_to(DAGS)
    (folder / "back").symlink_to(folder)
    linked = Upkeep(BUNDLE, folder)
    empty.look()
    linked.look()
    couchdb.write(ACCOUNT, [account(THIRD)])
    linked.look()
    assert asked() == {f"grdf/{file_of(THIRD)}"}
    (folder / "grdf").unlink()
    caplog.set_level(logging.WARNING)
    nothing = Upkeep(BUNDLE, folder)
    nothing.look()
    nothing.look()
    assert asked() == set()
    assert caplog.text.count(f"There is no file {file_of(THIRD)} below") == 1
