"""``./grdf doctor`` and Airflow's database: pools without slots, components that are dead, accounts without runs."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from grdf.doctor import airflow_state
from grdf.doctor.findings import MOST_NAMED, Finding, outcome
from grdf.hooks.couchdb import CouchDBHook
from grdf.stores.accounts.account_store import AccountStore
from include.gas.documents.doctypes import DOCTYPES
from include.gas.documents.gas_days import dag_id
from include.gas.errors import ConsentLost
from tests.helpers import known_account

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

TABLES = ("job", "dag", "dag_run", "dag_version")


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

    def dag_run(self, account: str, state: str, after: datetime, end: datetime | None = None) -> None:
        self.add("dag_run", dag_id=dag_id(account), run_id=f"{after}", state=state, run_after=after, end_date=end)


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
    since(clean, account_id, timedelta(days=30))
    yield account_id
    clean.book.remove(account_id)


def since(world: LocalWorld, account: str, age: timedelta) -> None:
    known_account(world, account)
    document = dict(world.book.get(account) or {})
    for read in document["history"].values():
        read["read_at"] = (datetime.now(UTC) - age).isoformat()
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
    return outcome(airflow_state.WHAT, partial(airflow_state.state, CouchDBHook()))


def bad() -> list[str]:
    return [finding.says for finding in seen() if finding.state == "bad"]


def test_all_is_well(alive: Rows, household: str) -> None:
    alive.dag(household)
    alive.dag_run(household, "failed", now() - timedelta(days=1), now() - timedelta(days=1))
    alive.dag_run(household, "success", now() - timedelta(hours=3), now() - timedelta(hours=2))
    assert [finding.state for finding in seen()] == ["ok", "ok"], seen()


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
    assert [finding.state for finding in told] == ["look"]
    assert "neither a scheduler nor a DAG processor has ever run" in told[0].says


@pytest.mark.parametrize(
    ("state", "says"), [("failed", "1 failed"), ("queued", "1 waiting"), ("running", "1 waiting"), ("", "1 never")]
)
def test_an_account_without_a_successful_run(alive: Rows, household: str, state: str, says: str) -> None:
    alive.dag(household)
    if state:
        alive.dag_run(household, "success", now() - timedelta(days=9), now() - timedelta(days=9))
        alive.dag_run(household, state, now() - timedelta(hours=1), now() if state == "failed" else None)
    (told,) = bad()
    assert household in told
    assert says in told


def test_an_account_whose_run_ended_in_the_future(alive: Rows, household: str) -> None:
    """A clock was ahead: such a run says nothing about the days until then."""
    alive.dag(household)
    alive.dag_run(household, "success", now() + timedelta(days=90), now() + timedelta(days=90))
    (told,) = bad()
    assert household in told


@pytest.mark.parametrize("runs", [[], ["queued"], ["success"]])
def test_an_account_of_today_is_not_asked_for_yet(
    alive: Rows, clean: LocalWorld, account_id: str, runs: list[str]
) -> None:
    known_account(clean, account_id)
    try:
        alive.dag(account_id)
        for state in runs:
            alive.dag_run(account_id, state, now(), now())
        assert bad() == []
    finally:
        clean.book.remove(account_id)


def test_an_account_of_today_whose_only_runs_failed(alive: Rows, clean: LocalWorld, account_id: str) -> None:
    """It is one to look at, and more if nothing at all succeeds here."""
    known_account(clean, account_id)
    try:
        alive.dag(account_id)
        alive.dag_run(account_id, "failed", now(), now())
        (told,) = bad()
        assert account_id in told
        alive.dag_run("another", "success", now(), now())
        (look,) = [finding for finding in seen() if finding.state != "ok"]
        assert (look.state, account_id in look.says) == ("look", True)
    finally:
        clean.book.remove(account_id)


def test_an_account_that_says_not_since_when_it_is_there(alive: Rows, clean: LocalWorld, account_id: str) -> None:
    """Then it is as old as its DAG."""
    known_account(clean, account_id, history=False)
    try:
        alive.dag(account_id, came=now() - timedelta(hours=1))
        assert bad() == []
        alive.run("UPDATE dag_version SET created_at = ?", _written(now() - timedelta(days=5)))
        (told,) = bad()
        assert account_id in told
    finally:
        clean.book.remove(account_id)


@pytest.mark.parametrize("state", ["", "queued", "running"])
def test_an_account_that_is_older_than_its_dag(alive: Rows, household: str, state: str) -> None:
    """It was adopted, or this Airflow is new or has lost its database: its first run is still to come."""
    alive.dag(household, came=now() - timedelta(minutes=10))
    if state:
        alive.dag_run(household, state, now())
    assert bad() == []
    alive.run("UPDATE dag_version SET created_at = ?", _written(now() - timedelta(days=5)))
    (told,) = bad()
    assert household in told


def test_an_account_that_waits_for_its_household_needs_no_run(alive: Rows, clean: LocalWorld, household: str) -> None:
    AccountStore(CouchDBHook()).mark(household, ConsentLost.about(household, "GRDF says that its consent is revoked"))
    alive.dag(household)
    assert bad() == []


def test_only_some_of_many_accounts_are_named(alive: Rows, clean: LocalWorld, account_id: str) -> None:
    known_account(clean, account_id)
    document = dict(clean.book.get(account_id) or {})
    many = [f"{account_id}-{number}" for number in range(12)]
    try:
        for name in many:
            clean.book.save({key: value for key, value in document.items() if key != "_rev"} | {"_id": name})
            alive.dag(name, came=now() - timedelta(days=5))
            alive.dag_run(name, "queued", now() - timedelta(days=8))
        clean.book.remove(account_id)
        for name in many:
            stored = dict(clean.book.get(name) or {})
            stored.pop("history")
            clean.book.save(stored)
        (told,) = bad()
        assert told.count(account_id) == MOST_NAMED
        assert "12 of 12 accounts" in told
    finally:
        for name in many:
            clean.book.remove(name)
