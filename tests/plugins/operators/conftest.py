"""The world with databases for one test alone."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from include.sandbox.local_world import LocalWorld
from tests.helpers import own_couchdb


@pytest.fixture
def own(clean: LocalWorld, monkeypatch: pytest.MonkeyPatch) -> Any:
    fields, book = own_couchdb(clean)
    monkeypatch.setenv("AIRFLOW_CONN_COUCHDB", json.dumps(fields))
    return SimpleNamespace(control=clean.control, book=book, facts=clean.facts)
