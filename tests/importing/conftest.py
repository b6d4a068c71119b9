"""Fixtures for tests of imports and adoptions, with steps of DAGs in this process."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import TYPE_CHECKING

import pytest

from include.gas.documents.doctypes import AUDIT, CONSENT_RECORD
from tests.helpers import MemoryShelf
from tests.importing.scene import files, folder, household

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

_numbers = count(200_000)


@pytest.fixture(scope="module", autouse=True)
def own_world(as_at_first: None) -> None:
    """No file finds what another one has left, so that their order does not matter."""


@pytest.fixture(autouse=True)
def shelf(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside a task there are no Variables."""
    monkeypatch.setattr("grdf.hooks.adict.Variables", MemoryShelf)


@pytest.fixture
def home(clean: LocalWorld) -> Iterator[dict[str, str]]:
    from grdf.hooks.couchdb import CouchDBHook
    from grdf.stores.removal import Remover
    from include.gas.documents.gas_days import account_range

    for name in files():
        folder().remove(name)
    made = household(next(_numbers))
    yield made
    clean.book.remove(made["account"])
    for doctype in (AUDIT, CONSENT_RECORD):
        Remover(CouchDBHook()).remove_range(doctype, *account_range(made["account"]))


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as running:
        yield running
