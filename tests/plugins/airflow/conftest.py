"""An Airflow home, Variables and databases for tests of the account list alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from grdf.hooks.couchdb import CouchDBHook
from tests.plugins.airflow.list_scene import PARSING, Variables


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A separate Airflow home without a copy of the list."""
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    monkeypatch.setenv("AIRFLOW__GRDF__ACCOUNTS_MAX_AGE", "0")
    monkeypatch.delenv(PARSING, raising=False)
    return tmp_path


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> Variables:
    made = Variables()
    monkeypatch.setattr("airflow.sdk.Variable.get", made.get)
    monkeypatch.setattr("airflow.sdk.Variable.set", made.set)
    return made


@pytest.fixture
def book(own_databases: CouchDBHook) -> CouchDBHook:
    """The accounts that the list is about."""
    return own_databases
