"""The upkeep of two accounts that have their DAGs, in Airflow's own database, and a CouchDB."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from airflow.models.dag import DagModel
from airflow.models.dagbag import DagPriorityParsingRequest
from airflow.models.dagbundle import DagBundleModel
from airflow.models.errors import ParseImportError
from airflow.utils.session import create_session
from sqlalchemy import delete

from grdf.airflow.account_list import known_accounts
from grdf.airflow.bundle import upkeep
from grdf.airflow.bundle.upkeep import Upkeep
from grdf.hooks.couchdb import CouchDBHook
from include.gas.documents.doctypes import ACCOUNT
from tests.plugins.airflow.bundle.upkeep_scene import BUNDLE, DAGS, FIRST, SECOND, account, asked, show


@pytest.fixture
def rows(airflow_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Airflow's database without rows of this bundle, and a home without a copy of the account list."""
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    with create_session() as session:
        session.merge(DagBundleModel(name=BUNDLE))
    yield
    with create_session() as session:
        session.execute(delete(DagPriorityParsingRequest))
        session.execute(delete(ParseImportError).where(ParseImportError.bundle_name == BUNDLE))
        session.execute(delete(DagModel).where(DagModel.bundle_name == BUNDLE))


@pytest.fixture
def couchdb(rows: None, own_databases: CouchDBHook) -> CouchDBHook:
    """The accounts whose DAGs are looked after."""
    return own_databases


@pytest.fixture
def kept(couchdb: CouchDBHook, monkeypatch: pytest.MonkeyPatch) -> Upkeep:
    """The upkeep of two accounts that have their DAGs. It compares all DAGs at each look."""
    monkeypatch.setattr(upkeep, "COMPARE_FIRST", 0.0)
    monkeypatch.setattr(upkeep, "COMPARE_EVERY", 0.0)
    couchdb.write(ACCOUNT, [account(FIRST), account(SECOND)])
    known_accounts()  # as the DAG files do at first
    show(FIRST, SECOND)
    made = Upkeep(BUNDLE, DAGS)
    made.look()
    assert asked() == set()
    return made


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic clock, which a test sets."""
    now = [time.monotonic()]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now
