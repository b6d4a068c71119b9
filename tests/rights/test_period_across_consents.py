"""A billing period that is only partly in the days of the consent is not stored: its parts are not known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.helpers import holder
from tests.plugins.steps import read_published
from tests.rights.billed import BEFORE, OF_SUMMER, THIS, read, totals
from tests.rights.scene import bring, check

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld


def test_the_months_of_the_former_household_are_not_the_next_ones(clean: LocalWorld, account_id: str) -> None:
    (pce,) = holder(account_id).pces
    bring(clean, account_id, pce, conso_debut=f"{THIS}-05-20")
    read(clean, account_id, pce)
    found = totals(account_id)
    assert set(found) == OF_SUMMER
    assert found[f"{THIS}"] == 900


def test_nor_the_other_way_round(clean: LocalWorld, account_id: str) -> None:
    (pce,) = holder(account_id).pces
    bring(clean, account_id, pce, conso_debut=f"{BEFORE}-11-20", conso_fin=f"{THIS}-05-20")
    read(clean, account_id, pce)
    assert totals(account_id) == {}


def test_what_it_allowed_stays_when_it_has_revoked(clean: LocalWorld, account_id: str) -> None:
    (pce,) = holder(account_id).pces
    right = bring(clean, account_id, pce, conso_debut=f"{THIS}-05-20")
    read(clean, account_id, pce)
    clean.control.revoke(right)
    check()
    read_published(account_id)
    assert set(totals(account_id)) == OF_SUMMER
