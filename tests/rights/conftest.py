"""Fixtures for tests about the owners of rights, with steps of DAGs in this process."""

from __future__ import annotations

import pytest

from tests.helpers import MemoryShelf
from tests.leaving.runs import without_accounts

__all__ = ["without_accounts"]


@pytest.fixture(autouse=True)
def shelf(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside a task there are no Variables."""
    monkeypatch.setattr("grdf.hooks.adict.VariableShelf", MemoryShelf)
