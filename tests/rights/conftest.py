"""Fixtures for tests about the owners of rights, with steps of DAGs in this process."""

from __future__ import annotations

import pytest

from include.sandbox.local_world import LocalWorld
from tests.helpers import MemoryShelf
from tests.leaving.runs import without_accounts
from tests.rights.scene import document

__all__ = ["without_accounts"]


@pytest.fixture(autouse=True)
def shelf(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside a task there are no Variables."""
    monkeypatch.setattr("grdf.hooks.adict.VariableShelf", MemoryShelf)


@pytest.fixture
def nobody_else_waits(clean: LocalWorld) -> None:
    """No account of an earlier test has a declaration that waits."""
    for name in clean.book.listed():
        if "declaration" in document(clean, name):
            clean.book.remove(name)
