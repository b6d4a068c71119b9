"""The page at its host's root, and accounts of every kind."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from include.gas.days.gas_day import paris_today
from include.sandbox.local_world import LocalWorld
from tests.connect.site import Site
from tests.page_accounts import Fleet


@pytest.fixture
def site(world: LocalWorld, airflow_home: object, monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(world).opened(monkeypatch)


@pytest.fixture(scope="module")
def today() -> date:
    return paris_today(datetime.now(UTC))


@pytest.fixture(scope="module")
def accounts(world: LocalWorld, today: date) -> None:
    for number in range(60):
        world.book.save(Fleet(today).account(number))
