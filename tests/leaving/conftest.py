"""Leaving: the steps of a deletion in this process."""

from __future__ import annotations

import pytest

from include.sandbox.local_world import LocalWorld
from tests.leaving.household import Couch, alone


@pytest.fixture
def couch(clean: LocalWorld, monkeypatch: pytest.MonkeyPatch) -> Couch:
    monkeypatch.setattr("grdf.stores.database_files.LOOK", 0.02)
    return alone(clean)
