"""Accounts that vanish from CouchDB all at once, as when a database is lost: their DAGs stay until it is clear why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from airflow.models.dag import DagModel
from airflow.utils.session import create_session

from grdf.airflow import account_list
from grdf.airflow.account_list import AccountList, known_accounts
from grdf.airflow.bundle import upkeep
from grdf.airflow.bundle.upkeep import Upkeep
from grdf.hooks.couchdb import CouchDBHook
from grdf.stores import shared_list
from grdf.stores.removal import Remover
from include.gas.documents.doctypes import ACCOUNT
from include.gas.documents.gas_days import dag_id
from tests.plugins.airflow.bundle.upkeep_scene import BUNDLE, DAGS, FIRST, SECOND, account, asked, file_of, show, shown

NAMES = [f"upkeep-{n:02}" for n in range(40)]
SHOWN = set(map(dag_id, NAMES))


@pytest.fixture
def forty(couchdb: CouchDBHook, monkeypatch: pytest.MonkeyPatch) -> CouchDBHook:
    """Forty accounts that have their DAGs."""
    monkeypatch.setattr(upkeep, "COMPARE_FIRST", 0.0)
    couchdb.write(ACCOUNT, [account(name) for name in NAMES])
    show(*NAMES)
    return couchdb


@pytest.fixture
def variable(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The lists that were written to the Variable which all machines share."""
    lists: list[Any] = []
    monkeypatch.setattr(shared_list, "read", lambda: lists[-1] if lists else None)
    monkeypatch.setattr(shared_list, "write", lambda accounts, **more: not lists.append((accounts, more["at"])))
    return lists


@pytest.fixture
def read_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A home to which nothing can be written."""

    def refuse(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(account_list, "write_private", refuse)


def look_often(made: Upkeep, clock: list[float]) -> None:
    for _ in range(40):
        clock[0] += 5
        made.look()


def lose(couchdb: CouchDBHook, documents: list[dict[str, Any]]) -> None:
    couchdb.write(ACCOUNT, [document | {"_deleted": True} for document in documents])


def all_of(couchdb: CouchDBHook) -> list[dict[str, Any]]:
    return couchdb.range(ACCOUNT, "", "\ufff0")


@pytest.mark.parametrize("per_look", [4, 20, 40])
def test_many_that_vanish_one_after_the_other_have_vanished_all_at_once(
    forty: CouchDBHook, clock: list[float], per_look: int
) -> None:
    known_accounts()
    made = Upkeep(BUNDLE, DAGS)
    made.look()
    documents = all_of(forty)
    for start in range(0, 40, per_look):
        clock[0] += 5
        lose(forty, documents[start : start + per_look])
        made.look()
    clock[0] += 5
    made.look()
    assert set(account_list.known_accounts().ids) == set(NAMES)
    gone = {name for name in NAMES if dag_id(name) not in shown()}
    assert len(gone) <= 10, "a few, until it was clear"
    assert asked() == {"grdf_broken_accounts.py", *map(file_of, gone)}, "which says so; those that were gone come back"


def test_what_was_there_during_quiet_hours_is_missed_as_well(
    forty: CouchDBHook, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While nothing changes, the accounts are not gone through."""
    monkeypatch.setattr(upkeep, "COMPARE_EVERY", 1e9)
    known_accounts()
    made = Upkeep(BUNDLE, DAGS)
    look_often(made, clock)
    documents = all_of(forty)
    for start in range(0, 40, 4):
        clock[0] += 5
        lose(forty, documents[start : start + 4])
        made.look()
    assert set(known_accounts().ids) == set(NAMES)


def test_a_few_that_leave_within_minutes_lose_their_dags(
    kept: Upkeep, couchdb: CouchDBHook, clock: list[float]
) -> None:
    for name, left in ((FIRST, {dag_id(SECOND)}), (SECOND, set[str]())):
        clock[0] += 30
        Remover(couchdb).remove(ACCOUNT, name)
        kept.look()
        assert shown() == left


def test_a_clock_that_is_set_back_does_not_end_the_day_of_grace() -> None:
    last = AccountList(tuple(f"a{n:02}" for n in range(20)))
    missing = AccountList().after(last, 1_000_000.0)
    assert missing.missing == 20
    again = AccountList().after(missing, 999_000.0)
    assert (again.missing, again.missing_since) == (20, 999_000.0)
    assert AccountList().after(again, 999_000.0 + account_list.GRACE).ids == ()


def test_a_second_accident_has_a_day_of_its_own() -> None:
    names = [f"a{n:03}" for n in range(200)]
    first = AccountList(tuple(names[50:])).after(AccountList(tuple(names)), 1_000_000.0)
    assert first.missing == 50
    second_at = 1_000_000.0 + account_list.GRACE - 60
    second = AccountList().after(first, second_at)
    assert len(AccountList().after(second, second_at + account_list.GRACE - 1).ids) == 200
    assert AccountList().after(second, second_at + account_list.GRACE).ids == ()


@pytest.mark.parametrize("per_look", [4, 40])
def test_it_is_the_same_where_the_list_cannot_be_kept_on_disk(
    forty: CouchDBHook, read_only: None, clock: list[float], per_look: int
) -> None:
    made = Upkeep(BUNDLE, DAGS)
    look_often(made, clock)
    asked()
    documents = all_of(forty)
    for start in range(0, 40, per_look):
        clock[0] += 5
        lose(forty, documents[start : start + per_look])
        made.look()
    look_often(made, clock)
    gone = {name for name in NAMES if dag_id(name) not in shown()}
    assert len(gone) <= 10, "a few, until it was clear"
    assert asked() >= set(map(file_of, gone)), "which come back"


def test_a_dag_processor_that_starts_during_an_accident_believes_what_airflow_shows(
    forty: CouchDBHook, read_only: None, variable: list[Any], clock: list[float]
) -> None:
    known_accounts()
    lose(forty, all_of(forty)[5:])
    made = Upkeep(BUNDLE, DAGS)
    look_often(made, clock)
    assert shown() == SHOWN
    assert set(known_accounts().ids) == set(NAMES)


def test_a_dag_of_somebody_else_s_is_no_account_s(forty: CouchDBHook, read_only: None, clock: list[float]) -> None:
    other = "grdf_account__report.v2"
    with create_session() as session:
        session.merge(
            DagModel(dag_id=other, bundle_name=BUNDLE, relative_fileloc="report.py", is_stale=False, timetable_type="x")
        )
    look_often(Upkeep(BUNDLE, DAGS), clock)
    assert shown() == {*SHOWN, other}
    assert asked() == {"grdf_broken_accounts.py"}


def test_a_second_dag_processor_whose_requests_another_one_takes_keeps_the_dags_too(
    forty: CouchDBHook, variable: list[Any], clock: list[float], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    known_accounts()
    one = Upkeep(BUNDLE, DAGS)
    one.look()
    lose(forty, all_of(forty)[5:])
    other_home = tmp_path / "other"
    other_home.mkdir()
    two: Upkeep | None = None
    for _ in range(40):
        clock[0] += 5
        one.look()
        asked()
        with monkeypatch.context() as there:
            there.setenv("AIRFLOW_HOME", str(other_home))
            two = two or Upkeep(BUNDLE, DAGS)
            two.look()
        assert shown() == SHOWN


@pytest.mark.parametrize("fleet", [2, 20, 40])
def test_accounts_that_are_there_for_a_moment_only_are_no_accident(
    forty: CouchDBHook, clock: list[float], fleet: int
) -> None:
    """As in an import whose households GRDF refuses, one after the other."""
    for name in NAMES[fleet:]:
        Remover(forty).remove(ACCOUNT, name)
    known_accounts()
    made = Upkeep(BUNDLE, DAGS)
    made.look()
    for n in range(15):
        name = f"household-{n:02}"
        forty.write(ACCOUNT, [account(name)])
        clock[0] += 5
        made.look()
        Remover(forty).remove(ACCOUNT, name)
    clock[0] += 5
    made.look()
    assert known_accounts() == AccountList(tuple(NAMES[:fleet]))
