"""Households whose right is declared, and what GRDF has of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.sandbox.adict import meters
from tests.helpers import holder
from tests.rights.scene import document

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

PERSON = {"name": "Durand-Invente", "postcode": "69000", "email": "m.durand@example.org", "phone": "+33 6 00 00 00 00"}


def give(world: LocalWorld, account: str, *, keep: bool = False, **more: Any) -> str:
    """Create an account with what a household gave, and return its meter."""
    (pce,) = holder(account).pces
    meter = meters.find(pce)
    assert meter
    given = {"pce": pce, **PERSON, "postcode": meter.postcode} | more
    before = document(world, account) if keep else {}
    world.book.save({"_id": account, "account_type": "grdfgrandlyon", **before, "declaration": given})
    return pce


def rights(world: LocalWorld, pce: str) -> list[dict[str, Any]]:
    return [right for right in world.control.consents() if right["id_pce"] == pce]
