"""Which DAG files the DAG processor is asked to read: by Airflow's own database, and a real CouchDB."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable

import pytest
from airflow.models.dag import DagModel
from airflow.models.errors import ParseImportError
from airflow.utils.session import create_session
from sqlalchemy import delete, update

from grdf import settings
from grdf.airflow import account_list
from grdf.airflow.account_list import known_accounts
from grdf.airflow.bundle import account_watch, upkeep
from grdf.airflow.bundle.account_bundle import AccountBundle
from grdf.airflow.bundle.account_watch import AccountWatch
from grdf.airflow.bundle.upkeep import Upkeep
from grdf.hooks.couchdb import CouchDBHook
from include.gas.documents.doctypes import ACCOUNT
from include.gas.documents.gas_days import dag_id
from include.gas.errors import GasError
from include.sandbox.local_world import LocalWorld
from tests.helpers import wait
from tests.plugins.airflow.bundle.upkeep_scene import (
    BUNDLE,
    DAGS,
    FIRST,
    SECOND,
    THIRD,
    account,
    asked,
    down,
    file_of,
    show,
    shown,
)
from tests.plugins.drip import Drip


def test_a_new_account_is_asked_for_until_it_is_there(
    kept: Upkeep, couchdb: CouchDBHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "COMPARE_EVERY", 1e9)
    couchdb.write(ACCOUNT, [account(THIRD)])
    kept.look()
    assert asked() == {file_of(THIRD)}
    assert THIRD in known_accounts().ids
    kept.look()
    assert asked() == set(), "not again at once"
    for still in kept._open.values():
        still.due = 0.0
    kept.look()
    assert asked() == {file_of(THIRD)}, "the request was lost, as when the file is being read"
    assert [still.wait for still in kept._open.values()] == [60.0]
    show(THIRD)
    kept.look()
    assert (asked(), kept._open) == (set(), {})


def test_the_dag_file_that_is_read_next_asks_nobody(
    kept: Upkeep, couchdb: CouchDBHook, connection: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__GRDF__ACCOUNTS_MAX_AGE", "20")
    couchdb.write(ACCOUNT, [account(THIRD)])
    kept.look()
    connection("couchdb", host="http://127.0.0.1:9", login="a", password="b")
    assert known_accounts().ids == (FIRST, THIRD, SECOND)


def test_a_list_that_does_not_change_stays_fresh(
    kept: Upkeep, couchdb: CouchDBHook, connection: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__GRDF__ACCOUNTS_MAX_AGE", "20")
    os.utime(settings.home() / "accounts.json", (0, 0))
    kept.look()
    connection("couchdb", host="http://127.0.0.1:9", login="a", password="b")
    monkeypatch.setattr(account_list, "_last_good", None)  # what is used when CouchDB does not answer
    assert known_accounts().ids == (FIRST, SECOND)


def test_while_nothing_changes_nothing_is_gone_through(
    kept: Upkeep, couchdb: CouchDBHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "COMPARE_EVERY", 1e9)
    kept.look()
    followed: list[int] = []
    monkeypatch.setattr(kept, "_follow", lambda accounts, _: followed.append(len(accounts.ids)))
    for _ in range(3):
        kept.look()
    assert followed == []
    (settings.home() / "accounts.json").unlink()
    kept.look()
    assert asked() == {"grdf_broken_accounts.py"}, "which makes the copy again"
    known_accounts()
    couchdb.write(ACCOUNT, [account(THIRD)])
    kept.look()
    kept.look()
    assert followed[-1] == 3


def test_a_removed_account_and_one_that_leaves_lose_their_dags_without_reading_a_file(
    kept: Upkeep, couchdb: CouchDBHook
) -> None:
    document = couchdb.get(ACCOUNT, FIRST)
    assert document
    couchdb.put(ACCOUNT, document | {"_deleted": True})
    kept.look()
    assert shown() == {dag_id(SECOND)}
    document = couchdb.get(ACCOUNT, SECOND)
    assert document
    couchdb.put(ACCOUNT, document | {"leaving": {"run": "r", "by": "op", "since": "2026-01-01T00:00:00Z"}})
    kept.look()
    assert shown() == set()
    assert asked() == set()


def test_dags_that_airflow_lost_come_back(kept: Upkeep) -> None:
    with create_session() as session:  # a file's results could not be written, or somebody has deleted a DAG
        session.execute(update(DagModel).where(DagModel.dag_id == dag_id(FIRST)).values(is_stale=True))
        session.execute(delete(DagModel).where(DagModel.dag_id == dag_id(SECOND)))
        for name, file in (("grdf_consents", "grdf_consents.py"), ("gone", "gone.py")):
            session.merge(
                DagModel(dag_id=name, bundle_name=BUNDLE, relative_fileloc=file, is_stale=True, timetable_type="x")
            )
    kept.look()
    assert asked() == {file_of(FIRST), file_of(SECOND), "grdf_consents.py"}


def test_a_first_start_without_couchdb_ends_by_itself(couchdb: CouchDBHook) -> None:
    """No file could be read: there was no list, and now there is an import error for each."""
    with create_session() as session:
        for file in (file_of(FIRST), "grdf_broken_accounts.py", "grdf_history.py", "gone.py"):
            session.add(ParseImportError(filename=file, bundle_name=BUNDLE, stacktrace="no list"))
    made = Upkeep(BUNDLE, DAGS)
    with pytest.MonkeyPatch.context() as outage:
        outage.setattr(AccountWatch, "look", down)
        made.look()
    couchdb.write(ACCOUNT, [account(FIRST)])
    made.look()
    assert asked() == {"grdf_broken_accounts.py"}, "reading it makes the list"
    made.look()
    assert asked() == set()
    known_accounts()
    made.look()
    assert asked() == {file_of(FIRST), "grdf_broken_accounts.py", "grdf_history.py"}
    show(FIRST)
    with create_session() as session:
        session.execute(delete(ParseImportError).where(ParseImportError.filename == file_of(FIRST)))
    made.look()
    assert set(made._open) == {"grdf_history.py"}


def test_dags_whose_file_could_not_be_read_do_not_run_and_are_asked_for(kept: Upkeep) -> None:
    with create_session() as session:
        session.add(ParseImportError(filename=file_of(FIRST), bundle_name=BUNDLE, stacktrace="it took too long"))
    kept.look()
    assert asked() == {file_of(FIRST)}


def test_dags_of_nobody_are_taken_away(kept: Upkeep) -> None:
    show(THIRD)
    kept.look()
    assert shown() == {dag_id(FIRST), dag_id(SECOND)}


def test_an_account_that_can_have_no_dag_is_told(kept: Upkeep, couchdb: CouchDBHook) -> None:
    couchdb.write(ACCOUNT, [account("an odd id")])
    kept.look()
    assert asked() == {"grdf_broken_accounts.py"}
    kept.look()
    assert asked() == {"grdf_broken_accounts.py"}, "it was not read"
    with create_session() as session:
        session.add(ParseImportError(filename="grdf_broken_accounts.py", bundle_name=BUNDLE, stacktrace="an odd id"))
    kept.look()
    assert asked() == set()


@pytest.mark.parametrize("late", [down, lambda *_: None], ids=["no database yet", "slow"])
def test_an_account_from_before_the_first_list_is_not_overlooked(
    couchdb: CouchDBHook, monkeypatch: pytest.MonkeyPatch, late: Callable[..., None]
) -> None:
    """The files were read without it, and the first list that comes has it: nothing differs from one to the next."""
    couchdb.write(ACCOUNT, [account(SECOND)])
    known_accounts()
    show(SECOND)
    made = Upkeep(BUNDLE, DAGS)
    with monkeypatch.context() as outage:
        outage.setattr(AccountWatch, "look", late)
        made.look()
    couchdb.write(ACCOUNT, [account(FIRST)])
    made.look()
    assert asked() == {file_of(FIRST)}


def test_with_couchdb_down_nothing_changes_and_it_is_said_once(
    kept: Upkeep, couchdb: CouchDBHook, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with monkeypatch.context() as outage:
        outage.setattr(AccountWatch, "look", down)
        for _ in range(3):
            kept.look()
    assert caplog.text.count("The accounts' DAGs stay as they are until CouchDB answers again") == 1
    assert (asked(), shown()) == (set(), {dag_id(FIRST), dag_id(SECOND)})
    couchdb.write(ACCOUNT, [account(THIRD)])
    kept.look()
    assert caplog.text.count("CouchDB answers again") == 2
    assert asked() == {file_of(THIRD)}


def test_an_unreachable_couchdb_is_an_error_and_a_missing_database_is_another(
    world: LocalWorld, connection: Callable[..., str]
) -> None:
    connection("couchdb", host="http://127.0.0.1:9", login="a", password="b")
    with pytest.raises(GasError, match="could not be reached"):
        AccountWatch().look(60)
    fields = {"host": world.couch.url, "login": world.couch.user, "password": world.couch.password}
    connection("couchdb", **fields, extra={"database_prefix": "nowhere/"})
    with pytest.raises(GasError, match="CouchDB has no database"):
        AccountWatch().look(60)


def test_a_slow_couchdb_holds_nobody_up(connection: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    watch = AccountWatch()
    with Drip(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{", b" ", every=0.2) as server:
        connection("couchdb", host=server.url, login="a", password="b")
        assert watch.look(at_most=0.1) is None
        assert watch.look(at_most=0.1) is None
        assert server.connections == 1, "one question at a time"
        monkeypatch.setattr(account_watch, "GIVEN_UP", 0.0)
        assert watch.look(at_most=0.1) is None
        wait(lambda: server.connections == 2, what="a new question instead of the one that is given up")


def test_airflow_looks_for_accounts_often_and_for_files_now_and_then(
    couchdb: CouchDBHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The DAG processor asks for the interval every 5 s, and at its start once more, before it is ready."""
    looks: list[Upkeep] = []

    def look(self: Upkeep) -> None:
        looks.append(self)

    monkeypatch.setattr(Upkeep, "look", look)
    bundle = AccountBundle(name=BUNDLE, path=str(DAGS))
    assert (bundle.refresh_interval, len(looks)) == (300, 0)
    bundle.refresh()
    assert len(looks) == 1
    assert (bundle.refresh_interval, len(looks)) == (300, 2)
    assert AccountBundle(name=BUNDLE, path=str(DAGS), refresh_interval=7).refresh_interval == 7


def test_the_bundle_goes_on_whatever_happens(
    couchdb: CouchDBHook, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(_: object) -> None:
        raise RuntimeError("no database")

    bundle = AccountBundle(name=BUNDLE, path=str(DAGS))
    monkeypatch.setattr(Upkeep, "look", fails)
    for _ in range(3):
        bundle.refresh()
    assert caplog.text.count("could not be compared with CouchDB's accounts") == 1
    assert bundle.path == DAGS
