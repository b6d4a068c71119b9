"""The DAG files as Airflow parses them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.sandbox.local_world import LocalWorld
from tests.dags.parsing import ACCOUNTS, BEFORE, PATH, Parsed, parse
from tests.forks import Forks


@pytest.fixture(scope="session")
def parser() -> Iterator[Forks]:
    """A process that parses DAG files in forks of itself."""
    with Forks(BEFORE, PATH) as running:
        yield running


@pytest.fixture(scope="session")
def three_accounts(world: LocalWorld, airflow_home: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment whose CouchDB holds three accounts, not stored in the order of their ids."""
    from include.sandbox.connect import AccountBook

    prefix = f"dags{secrets.token_hex(4)}/"
    book = AccountBook(world.couch.url, world.couch.user, world.couch.password, prefix)
    for name in reversed(ACCOUNTS):
        book.save({"_id": name, "account_type": "grdfgrandlyon"})
    fields = json.loads(world.connections()["AIRFLOW_CONN_COUCHDB"])
    connection = json.dumps(fields | {"extra": {"database_prefix": prefix}})
    return {"AIRFLOW_CONN_COUCHDB": connection, "AIRFLOW_HOME": str(tmp_path_factory.mktemp("home"))}


@pytest.fixture(scope="session")
def parsed(three_accounts: dict[str, str]) -> Parsed:
    """The DAG files parsed once, as the DAG processor does."""
    return parse(three_accounts)
