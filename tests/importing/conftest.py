"""Fixtures for tests of imports and adoptions, with steps of DAGs in this process."""

from __future__ import annotations

from itertools import count

import pytest

from include.sandbox.local_world import LocalWorld
from tests.helpers import MemoryShelf
from tests.importing.scene import files, folder, household

_numbers = count(1)


@pytest.fixture(scope="module", autouse=True)
def own_world(as_at_first: None) -> None:
    """No file finds what another one has left, so that their order does not matter."""


@pytest.fixture(autouse=True)
def empty(clean: LocalWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grdf.hooks.adict.Variables", MemoryShelf)
    for name in files():
        folder().remove(name)
    clean.control.clear_log()


@pytest.fixture
def homes() -> list[dict[str, str]]:
    return [household(next(_numbers)) for _ in range(5)]


@pytest.fixture
def home(homes: list[dict[str, str]]) -> dict[str, str]:
    return homes[0]
