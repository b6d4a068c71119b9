"""``./grdf doctor`` and Airflow's database: pools without slots, dead components, accounts that nobody reads."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from grdf.doctor import accounts, airflow_state
from grdf.doctor.findings import MOST_NAMED, Finding, outcome
from grdf.hooks.couchdb import CouchDBHook
from grdf.stores.accounts.account_store import AccountStore
from include.gas.documents.doctypes import DOCTYPES
from include.gas.documents.gas_days import dag_id
from include.gas.errors import ConsentLost
from tests.helpers import known_account

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

TABLES = ("job", "dag", "dag_run", "dag_version", "task_instance")


class Rows:
    """Rows of this session's Airflow database, as its components would write them."""

    def __init__(self, home: Path) -> None:
        self._file = home / "airflow.db"

    def run(self, query: str, *values: Any) -> None:
        with sqlite3.connect(self._file, timeout=60) as database:
            database.execute(query, values)
        database.close()

    def add(self, table: str, **values: Any) -> None:
        """Add a row. Columns that must not be empty, and that a test does not care about, are 0."""
        with sqlite3.connect(self._file, timeout=60) as database:
            columns = list(database.execute(f"PRAGMA table_info({table})"))
            must = {str(name): 0 for _, name, _, filled, default, key in columns if filled and not default and not key}
            row = must | {name: _written(value) for name, value in values.items()}
            places = ", ".join("?" * len(row))
            database.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", list(row.values()))
        database.close()

    def job(self, kind: str, heard: datetime, state: str = "running") -> None:
        self.add("job", job_type=kind, state=state, latest_heartbeat=heard)

    def dag(self, account: str, came: datetime | None = None) -> None:
        self.add("dag", dag_id=dag_id(account))
        if came:
            self.add("dag_version", id=account, dag_id=dag_id(account), created_at=came)

    def load(self, account: str, end: datetime) -> None:
        """Add a load that succeeded, and its run."""
        self.add("dag_run", dag_id=dag_id(account), run_id=f"{end}", state="success", run_after=end, end_date=end)
        self.add(
            "task_instance", id=account, dag_id=dag_id(account), run_id=f"{end}", task_id="load", state="success",
            end_date=end,
        )  # fmt: skip


def _written(value: Any) -> Any:
    return value.strftime("%Y-%m-%d %H:%M:%S.%f") if isinstance(value, datetime) else value


@pytest.fixture
def rows(clean: LocalWorld, airflow_home: Path) -> Iterator[Rows]:
    for doctype in DOCTYPES:
        CouchDBHook().create_database(doctype)
    found = Rows(airflow_home)
    yield found
    for table in TABLES:
        found.run(f"DELETE FROM {table}")
    found.run("UPDATE slot_pool SET slots = 32")


@pytest.fixture
def household(clean: LocalWorld, rows: Rows, account_id: str) -> Iterator[str]:
    """An account that could have been read for a month."""
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
    """Rows of an Airflow whose components run."""
    for kind in ("SchedulerJob", "DagProcessorJob"):
        rows.job(kind, now())
    return rows


def now() -> datetime:
    return datetime.now(UTC)


def seen() -> list[Finding]:
    rows = airflow_state.read()
    found = outcome(airflow_state.WHAT, partial(airflow_state.state, rows))
    return found + outcome(accounts.WHAT, partial(accounts.accounts, CouchDBHook(), rows))


def bad() -> list[str]:
    return [finding.says for finding in seen() if finding.state == "bad"]


@pytest.mark.parametrize("setting", ["default_pool", "gas"])
def test_a_pool_without_slots(alive: Rows, monkeypatch: pytest.MonkeyPatch, setting: str) -> None:
    """All our tasks are in the pool of the setting."""
    monkeypatch.setenv("AIRFLOW__GRDF__POOL", setting)
    if setting == "gas":
        alive.add("slot_pool", pool="gas", slots=-1)
    try:
        alive.run(f"UPDATE slot_pool SET slots = 0 WHERE pool = '{setting}'")
        (says,) = bad()
        assert f"the pool {setting} has no slots" in says
    finally:
        alive.run("DELETE FROM slot_pool WHERE pool = 'gas'")


@pytest.mark.parametrize(("kind", "name"), [("SchedulerJob", "scheduler"), ("DagProcessorJob", "DAG processor")])
@pytest.mark.parametrize("state", ["running", "success"])
def test_a_component_that_stands_still(rows: Rows, kind: str, name: str, state: str) -> None:
    rows.job("SchedulerJob" if kind == "DagProcessorJob" else "DagProcessorJob", now())
    rows.job(kind, now() - timedelta(days=28), "failed")
    rows.job(kind, now() - timedelta(days=2), state)
    (says,) = bad()
    assert f"no {name} runs" in says
    assert f"{now() - timedelta(days=2):%Y-%m-%d}" in says


def test_a_component_that_has_never_run(rows: Rows) -> None:
    rows.job("SchedulerJob", now())
    (told,) = [finding for finding in seen() if finding.state != "ok"]
    assert (told.state, told.says) == ("look", "no DAG processor has ever run with its database")
    assert "airflow dag-processor" in told.do


def test_a_component_that_is_told_to_be_silent_for_longer(alive: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind, section in (("SchedulerJob", "SCHEDULER__SCHEDULER_"), ("DagProcessorJob", "DAG_PROCESSOR__")):
        alive.run("DELETE FROM job WHERE job_type = ?", kind)
        alive.job(kind, now() - timedelta(minutes=5))
        monkeypatch.setenv(f"AIRFLOW__{section}HEALTH_CHECK_THRESHOLD", "600")
    assert bad() == []


def test_an_airflow_that_has_not_started_yet(rows: Rows) -> None:
    """That is no fault: the doctor is asked before the first start, too."""
    told = [finding for finding in seen() if finding.state != "ok"]
    assert [finding.state for finding in told] == ["look"], told
    assert "neither a scheduler nor a DAG processor has ever run" in told[0].says


def test_an_account_that_is_read_and_then_no_more(alive: Rows, clean: LocalWorld, household: str) -> None:
    since(clean, household, timedelta(days=5))
    alive.dag(household, came=now() - timedelta(days=30))
    (told,) = bad()
    assert f"1 of 1 accounts that should be read are silent (100.0 %, more than 2 % call a person): {household}" in told
    alive.load(household, now() - timedelta(hours=2))
    assert not [each for each in seen() if household in each.says], "it is read, and not late yet"
    alive.run("UPDATE dag SET is_paused = 1")
    assert "its DAG is paused" in bad()[0]
    AccountStore(CouchDBHook()).mark(household, ConsentLost.about(household, "GRDF says that its consent is revoked"))
    (look,) = [each for each in seen() if household in each.says]
    assert (look.state, "must connect again" in look.says) == ("look", True), "it needs no run, and nothing is broken"


def test_an_airflow_that_cannot_be_read_from_here(clean: LocalWorld, household: str) -> None:
    """A worker has no database. What the accounts' documents say is told all the same."""
    nowhere = Finding(airflow_state.WHAT, "unknown", "it has no database here")
    told = list(accounts.accounts(CouchDBHook(), nowhere))
    assert "nothing new for 30 days, and its document names no reason" in told[0].says
    since(clean, household, timedelta(days=5))
    (told,) = accounts.accounts(CouchDBHook(), nowhere)
    assert (told.state, "their DAGs were not looked at" in told.says) == ("ok", True)


def test_only_some_of_many_accounts_are_named(alive: Rows, clean: LocalWorld, household: str) -> None:
    document = dict(clean.book.get(household) or {})
    many = [f"{household}-{number}" for number in range(12)]
    try:
        for name in many:
            clean.book.save({key: value for key, value in document.items() if key != "_rev"} | {"_id": name})
        (told,) = bad()
        assert told.count(household) == MOST_NAMED
        assert "13 of 13 accounts" in told
    finally:
        for name in many:
            clean.book.remove(name)
