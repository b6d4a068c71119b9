"""Households that are declared for an account one after the other, by each way in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from grdf.hooks.couchdb import CouchDBHook
from grdf.stores.consent_records import ConsentRecords
from include.gas.account.connected import declaring
from include.gas.account.declaration import Declaration
from include.gas.account.marks import Connected
from include.gas.days.gas_day import utc_text
from include.gas.proof.consent_record import HOUSEHOLD, new_record
from tests.helpers import holder
from tests.leaving.runs import acquire
from tests.rights.declared import PERSON, postcode
from tests.rights.scene import document

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

NEXT = {"name": "Petit-Invente", "email": "p.petit@example.org", "phone": "+33 6 11 11 11 11"}
SAID = "another household is or was connected under this account; give this one an account of its own"


def form(world: LocalWorld, account: str, person: dict[str, str], pce: str = "") -> None:
    """Store what a form stores, and start a run."""
    pce = pce or holder(account).pces[0]
    asked = Declaration(pce=pce, perimeters=["informatives"], **{**PERSON, "postcode": postcode(pce), **person})
    now = datetime.now(UTC)
    record = new_record(account, asked, now, by=HOUSEHOLD)
    ConsentRecords(CouchDBHook()).add(record)
    stored = document(world, account) or None
    world.book.save(declaring(stored, account, asked, Connected(utc_text(now), HOUSEHOLD)))
    acquire(account, "manual")


def program(world: LocalWorld, account: str, person: dict[str, str], pce: str = "") -> None:
    """Store what another program stores, and start a run."""
    pce = pce or holder(account).pces[0]
    stored = document(world, account) or {"_id": account, "account_type": "grdfgrandlyon"}
    world.book.save(stored | {"declaration": {"pce": pce, **PERSON, "postcode": postcode(pce), **person}})
    acquire(account, "manual")
