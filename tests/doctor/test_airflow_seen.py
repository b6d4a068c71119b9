"""``./grdf doctor`` and Airflow's database: pools without slots, dead components, accounts that are not read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from grdf.doctor import airflow_checks
from grdf.doctor.account_checks import MOST_NAMED, check_accounts
from grdf.doctor.findings import Finding, findings_of
from grdf.doctor.leftovers import find_leftovers
from grdf.hooks.couchdb import CouchDBHook
from include.gas.documents.day_documents import dag_id, database_name
from include.gas.documents.doctypes import DOCTYPES
from include.sandbox.local_world import LocalWorld
from tests.helpers import known_account

TABLES = ("job", "dag", "dag_run", "task_instance")


class Rows:
    def __init__(self, home: Path) -> None:
        self._file = home / "airflow.db"

    def run(self, query: str, *values: Any) -> None:
        with closing(sqlite3.connect(self._file, timeout=60)) as database, database:
            database.execute(query, values)

    def add(self, table: str, **values: Any) -> None:
        with closing(sqlite3.connect(self._file, timeout=60)) as database, database:
            columns = list(database.execute(f"PRAGMA table_info({table})"))
            must = {str(name): 0 for _, name, _, filled, default, key in columns if filled and not default and not key}
            row = must | {name: str(value) if isinstance(value, datetime) else value for name, value in values.items()}
            places = ", ".join("?" * len(row))
            database.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", list(row.values()))

    def job(self, kind: str, heard: datetime, state: str = "running") -> None:
        self.add("job", job_type=kind, state=state, latest_heartbeat=heard.replace(tzinfo=None))

    def load(self, account: str, end: datetime) -> None:
        run, at = {"dag_id": dag_id(account), "run_id": f"{end}", "state": "success"}, end.replace(tzinfo=None)
        self.add("dag_run", **run, run_after=at, end_date=at)
        self.add("task_instance", **run, id=account, task_id="load", end_date=at)


@pytest.fixture
def rows(clean: LocalWorld, airflow_home: Path) -> Iterator[Rows]:
    for doctype in DOCTYPES:
        CouchDBHook().create_database(doctype)
    found = Rows(airflow_home)
    yield found
    for table in TABLES:
        found.run(f"DELETE FROM {table}")


@pytest.fixture
def household(clean: LocalWorld, rows: Rows, account_id: str) -> Iterator[str]:
    known_account(clean, account_id)
    since(clean, account_id, timedelta(days=30))
    yield account_id
    clean.book.remove(account_id)


def since(world: LocalWorld, account: str, age: timedelta) -> None:
    document = dict(world.book.get(account) or {})
    for held in document["status"]["meters"].values():
        held["since"] = (datetime.now(UTC) - age).isoformat()
    world.book.save(document)


@pytest.fixture
def alive(rows: Rows) -> Rows:
    for kind in ("SchedulerJob", "DagProcessorJob"):
        rows.job(kind, now())
    return rows


def now() -> datetime:
    return datetime.now(UTC)


def seen() -> list[Finding]:
    airflow = airflow_checks.read_airflow()
    found = list(findings_of("Airflow", partial(airflow_checks.check_airflow, airflow)))
    return [*found, *findings_of("accounts", partial(check_accounts, CouchDBHook(), airflow))]


def bad() -> list[str]:
    return [finding.says for finding in seen() if finding.state == "bad"]


def test_a_pool_without_slots(alive: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__GRDF__POOL", "gas")
    alive.add("slot_pool", pool="gas", slots=0)
    try:
        (text,) = bad()
        assert "the pool gas has no slots" in text
    finally:
        alive.run("DELETE FROM slot_pool WHERE pool = 'gas'")


def test_who_approves_a_deletion_is_said(alive: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    for setting, is_said in (("", True), ("True", False)):
        monkeypatch.setenv("AIRFLOW__GRDF__DELETION_BY_ONE_PERSON", setting)
        assert any("another user" in each.says and each.state == "ok" for each in seen()) is is_said


@pytest.mark.parametrize(("kind", "name"), [("SchedulerJob", "scheduler"), ("DagProcessorJob", "DAG processor")])
def test_a_component_that_stands_still(rows: Rows, kind: str, name: str) -> None:
    rows.job("SchedulerJob" if kind == "DagProcessorJob" else "DagProcessorJob", now())
    reported, *_ = [finding for finding in seen() if finding.state != "ok"]
    assert (reported.state, reported.says) == ("look", f"no {name} runs: none ever has with its database")
    rows.job(kind, now() - timedelta(days=28), "failed")
    rows.job(kind, now() - timedelta(days=2))
    (text,) = bad()
    assert f"no {name} runs: the last one was heard of at {now() - timedelta(days=2):%Y-%m-%d}" in text


def test_accounts_that_are_silent_with_the_cause(alive: Rows, clean: LocalWorld, household: str) -> None:
    document = {key: value for key, value in (clean.book.get(household) or {}).items() if key != "_rev"}
    every = [household, *(f"{household}-{number}" for number in range(12))]
    for name in every[1:]:
        clean.book.save(document | {"_id": name})
    try:
        (reported,) = bad()
        assert "13 of 13 accounts are silent" in reported
        assert f"{household} (no day yet, Airflow has no DAG for it)" in reported
        assert reported.count(household) == MOST_NAMED
        for account in every:
            alive.add("dag", dag_id=dag_id(account))
        assert "no answer of GRDF has been stored for 2 days" in bad()[0]
        for account in every:
            alive.load(account, now() - timedelta(hours=2))
        (look,) = [each for each in seen() if household in each.says]
        assert (look.state, "GRDF is late for everybody" in look.says) == ("look", True), "nothing here is broken"
        alive.run("UPDATE dag SET is_paused = 1")
        assert "its DAG is paused" in bad()[0]
    finally:
        for name in every[1:]:
            clean.book.remove(name)


def test_an_airflow_that_cannot_be_read_from_here(clean: LocalWorld, household: str) -> None:
    nowhere = Finding("unknown", "it has no database here")
    reported = list(check_accounts(CouchDBHook(), nowhere))
    assert "1 of 1 accounts are silent, each by itself" in reported[0].says
    assert household in reported[0].says
    since(clean, household, timedelta(days=5))
    (reported,) = check_accounts(CouchDBHook(), nowhere)
    assert (reported.state, "their DAGs were not looked at" in reported.says) == ("ok", True)


def test_what_there_is_of_us_is_listed_for_those_who_remove_it(
    rows: Rows, household: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AIRFLOW__GRDF__POOL", "gas")
    monkeypatch.setenv("AIRFLOW__GRDF__STATE_FOLDER", str(tmp_path))
    tables = {"dag": "dag_id", "connection": "conn_id", "variable": "key", "slot_pool": "pool"}
    ours = {"dag": dag_id(household), "connection": "couchdb_admin", "variable": "grdf_data_token", "slot_pool": "gas"}

    def listed() -> dict[str, str]:
        return dict(found.says.split(": ") for found in find_leftovers())

    before = listed()
    for table, column in tables.items():
        for name in (ours[table], "grdf_of_others"):
            rows.add(table, **{column: name})
    found = listed()
    for table, column in tables.items():
        rows.run(f"DELETE FROM {table} WHERE {column} IN (?, 'grdf_of_others')", ours[table])
    added = {
        kind: ", ".join({*names.split(", ")} - {*before.get(kind, "").split(", ")}) for kind, names in found.items()
    }
    added = {kind: names for kind, names in added.items() if names}
    assert added == dict(zip(("DAGs", "connections", "Variables", "pool"), ours.values(), strict=True))
    assert before["databases"].split(", ") == [database_name(each) for each in DOCTYPES]
    assert (before["on this disk"], listed()) == (str(tmp_path), before)
