"""A real DAG processor on a machine without any copy of the account list, while CouchDB is down."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from include.gas.documents.gas_days import dag_id
from tests.dags.machine import DOWN, FILES, Machine
from tests.dags.parsing import ACCOUNTS


@pytest.fixture
def machine() -> Iterator[Callable[[Path, Path], Machine]]:
    """A function that creates machines. Their processes are stopped afterwards."""
    with ExitStack() as stack:

        def make(home: Path, database: Path) -> Machine:
            made = Machine(home, database)
            stack.enter_context(made.forks)
            return made

        yield make


def test_a_machine_without_a_copy_finds_the_list_although_couchdb_is_down(
    three_accounts: dict[str, str], airflow_home: Path, tmp_path: Path, machine: Callable[[Path, Path], Machine]
) -> None:
    every = {dag_id(name) for name in ACCOUNTS}
    first = machine(tmp_path / "first", airflow_home / "airflow.db")
    first.process(three_accounts["AIRFLOW_CONN_COUCHDB"])
    assert first.active() == every
    assert first.errors() == {}
    assert first.rows("SELECT count(*) FROM variable WHERE key = 'grdf_accounts'") == [(1,)]
    versions = first.rows("SELECT count(*) FROM dag_version")

    second = machine(tmp_path / "second", first.database)
    said = second.process(DOWN)
    assert (second.errors(), second.active()) == ({}, every), said
    assert second.rows("SELECT count(*) FROM dag_version") == versions

    # Nothing is known at all: Airflow gets an import error, and the DAGs that it deactivates come back later.
    second.forget_the_list()
    second.process(DOWN)
    told = second.errors()
    assert told.keys() == FILES
    assert all("there is no earlier copy of it" in text and "come back automatically" in text for text in told.values())
    assert {name for (name,) in second.rows("SELECT dag_id FROM dag")} >= every
    second.process(three_accounts["AIRFLOW_CONN_COUCHDB"])
    assert second.active() == every
    assert second.errors() == {}
    assert second.rows("SELECT count(*) FROM dag_version") == versions
