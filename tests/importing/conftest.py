"""Fixtures for tests of imports and adoptions, with steps of DAGs in this process."""

from __future__ import annotations

import pytest

from tests.helpers import MemoryShelf


@pytest.fixture(autouse=True)
def shelf(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside a task there are no Variables."""
    monkeypatch.setattr("grdf.hooks.adict.VariableShelf", MemoryShelf)
