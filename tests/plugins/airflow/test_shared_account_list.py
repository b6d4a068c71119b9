"""The account list that all machines share, in an Airflow Variable."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from grdf.airflow.account_list import accounts_to_build, known_accounts
from grdf.hooks.couchdb import CouchDBHook
from grdf.stores import shared_list
from include.gas.documents.doctypes import ACCOUNT
from tests.plugins.airflow.list_scene import PARSING, Variables, account, down, known_accounts_of

pytestmark = pytest.mark.usefixtures("home", "variables")


def test_a_machine_without_a_copy_takes_the_list_that_another_kept(
    book: CouchDBHook,
    connection: Callable[..., str],
    home: Path,
    variables: Variables,
    caplog: pytest.LogCaptureFixture,
) -> None:
    book.write(ACCOUNT, [account("a"), account("b"), account("not good")])
    good = known_accounts()
    assert list(variables.kept) == ["grdf_accounts"]
    (home / "grdf" / "accounts.json").unlink()
    down(connection)
    assert known_accounts() == good
    assert "2 accounts stay as they were" in caplog.text


def test_the_shared_list_is_written_when_it_has_changed_and_costs_nothing_else(
    book: CouchDBHook, variables: Variables, monkeypatch: pytest.MonkeyPatch
) -> None:
    book.write(ACCOUNT, [account("a")])
    for _ in range(3):
        known_accounts()
    assert variables.calls == ["get", "set"]
    book.write(ACCOUNT, [account("b")])
    variables.calls.clear()
    known_accounts()
    assert variables.calls == ["get", "set"]
    variables.kept.clear()  # somebody has removed it
    variables.calls.clear()
    later = time.time() + 86_401
    monkeypatch.setattr("grdf.airflow.account_list.time.time", lambda: later)
    known_accounts()
    known_accounts()
    assert variables.calls == ["get", "set"], "it is looked for once a day"


def test_no_call_is_made_for_a_fresh_copy_or_in_a_worker(
    book: CouchDBHook, variables: Variables, monkeypatch: pytest.MonkeyPatch
) -> None:
    known_accounts_of(book, "a")
    variables.calls.clear()
    monkeypatch.setenv("AIRFLOW__GRDF__ACCOUNTS_MAX_AGE", "60")
    assert known_accounts().ids == ("a",)
    monkeypatch.setenv(PARSING, "grdf_account__a")
    assert accounts_to_build() == ("a",)
    assert variables.calls == []


def test_of_a_copy_and_the_shared_list_the_later_counts(
    book: CouchDBHook, connection: Callable[..., str], home: Path, variables: Variables
) -> None:
    known_accounts_of(book, "a")
    copy = home / "grdf" / "accounts.json"
    old = copy.read_text()
    known_accounts_of(book, "b")  # as another machine might, while this one's copy became old
    copy.write_text(old)
    os.utime(copy, (time.time() - 7200, time.time() - 7200))
    down(connection)
    assert known_accounts().ids == ("a", "b")
    os.utime(copy)
    assert known_accounts().ids == ("a",)


def test_twenty_thousand_accounts_fit(book: CouchDBHook, variables: Variables) -> None:
    ids = sorted(secrets.token_hex(16) for _ in range(20_000))
    shared_list.write({"ids": ids, "broken": {f"odd {n}": "why" for n in range(500)}}, at=5.0, before=None)
    assert len(variables.kept["grdf_accounts"]) < 600_000
    found, at = shared_list.read() or ({}, 0)
    assert (found["ids"], len(found["broken"]), at) == (ids, 100, 5.0)


@pytest.mark.parametrize("text", ["", "!", "e30=", "eJyrVkosylayMtJRKsnPTs1TslLKS8xNrQUAPvEGKQ=="])
def test_a_spoilt_shared_list_is_made_anew(
    book: CouchDBHook, connection: Callable[..., str], variables: Variables, home: Path, text: str
) -> None:
    variables.kept["grdf_accounts"] = text
    known_accounts_of(book, "a")
    assert variables.kept["grdf_accounts"] != text
    (home / "grdf" / "accounts.json").unlink()
    down(connection)
    assert known_accounts().ids == ("a",)


def test_an_airflow_that_keeps_no_variable_is_no_reason_to_fail(
    book: CouchDBHook, variables: Variables, caplog: pytest.LogCaptureFixture
) -> None:
    variables.broken = True
    assert known_accounts_of(book, "a").ids == ("a",)
    assert known_accounts().ids == ("a",)
    assert variables.calls == ["get", "set"] * 2, "it is tried again"
    assert "could not be stored in the Airflow Variable grdf_accounts (RuntimeError)" in caplog.text
