"""What the konnector wrote for a household that has left becomes no other household's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from include.gas.documents.doctypes import AUDIT, DAY
from include.gas.leaving.deletion_record import audit_entry
from tests.konnector_house import House, adopt

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

WRITTEN = {"load": 5, "year": 2024, "month": 1, "day": 1, "price": 3.5}


@pytest.fixture
def house(world: LocalWorld, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    made = House(world, monkeypatch)
    yield made
    made.place.remove()


def put(house: House, source: str) -> None:
    house.put(DAY, [{"_id": f"of-{source}", **WRITTEN, "cozyMetadata": {"sourceAccount": source}}])


def test_its_documents_stay_as_those_of_a_household_that_is_here(house: House) -> None:
    put(house, "departed")
    house.place.create(AUDIT)
    long_ago = datetime(2024, 3, 1, tzinfo=UTC)
    house.put(AUDIT, [audit_entry("departed", "r", by="me", at=long_ago, keep_data=False)])
    done = adopt()
    assert (done["foreign"], done["days_adopted"]) == (1, 0)
    assert house.own(DAY) == {}
    assert [each["_id"] for each in house.theirs()] == ["of-departed"]


def test_an_account_that_nobody_knows_may_be_its_own_former_one(house: House) -> None:
    """A household that connects here anew has another account than in its Cozy."""
    put(house, "in-its-cozy")
    done = adopt()
    assert (done["foreign"], done["days_adopted"], done["removed"]) == (0, 1, 1)
