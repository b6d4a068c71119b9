"""The page at two addresses: below a sub-path, and at its host's root, where households may use links."""

from __future__ import annotations

import pytest

from include.sandbox.local_world import LocalWorld
from tests.connect.site import Site


@pytest.fixture
def door(clean: LocalWorld, airflow_home: object, shelf: None, monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(clean, path="/gas/airflow").opened(monkeypatch)


@pytest.fixture
def front(clean: LocalWorld, airflow_home: object, shelf: None, monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(clean, settings={"AIRFLOW__GRDF__HOUSEHOLD_LINKS": "True"}).opened(monkeypatch)
