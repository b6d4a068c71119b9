"""Fixtures for tests about the owners of rights, with steps of DAGs in this process."""

from __future__ import annotations

import pytest

from include.sandbox.local_world import LocalWorld
from tests.helpers import MemoryShelf
from tests.leaving.household import alone


@pytest.fixture(autouse=True)
def no_other_right(clean: LocalWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    alone(clean)
    monkeypatch.setattr("grdf.hooks.adict.Variables", MemoryShelf)
    monkeypatch.setattr("grdf.stores.database_files.LOOK", 0.02)
