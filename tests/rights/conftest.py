"""Fixtures for tests about the owners of rights, with steps of DAGs in this process."""

from __future__ import annotations

import pytest

from include.sandbox.local_world import LocalWorld
from tests.helpers import MemoryShelf
from tests.leaving.household import Couch


@pytest.fixture(autouse=True)
def shelf(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside a task there are no Variables."""
    monkeypatch.setattr("grdf.hooks.adict.Variables", MemoryShelf)


@pytest.fixture(autouse=True)
def nobody_else(clean: LocalWorld) -> None:
    """There is no account of an earlier test, and no right of one."""
    Couch(clean).forget_accounts()
