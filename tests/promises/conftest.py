"""A town in memory for each test (``adapter/``), and one whole stack for all that need it (``stack.py``)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.promises.adapter import Town, built
from tests.promises.departures import departed, recorded
from tests.promises.stack import stack

__all__ = ["departed", "new_town", "recorded", "stack", "town"]


@pytest.fixture(scope="module")
def new_town(airflow_home: Path) -> Iterator[Callable[..., Town]]:
    with built() as make:
        yield make


@pytest.fixture
def town(new_town: Callable[..., Town]) -> Town:
    return new_town()
