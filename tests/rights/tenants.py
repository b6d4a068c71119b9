"""Households that are declared for an account one after the other, by each way in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from grdf.consents.declarations.declaring import Declaring
from grdf.hooks.couchdb import CouchDBHook
from grdf.stores.records.consent_records import ConsentRecords
from grdf.stores.removal import Remover
from include.gas.account.connected import declaring
from include.gas.account.sections.rights.declaration import Declaration
from include.gas.documents.doctypes import CONSENT_RECORD, DAY, MONTH, PUBLISHED, YEAR
from include.gas.documents.gas_days import account_range
from include.gas.proof.consent_record import HOUSEHOLD, new_record
from tests.helpers import adict_hook, holder
from tests.rights.declared import PERSON, postcode, rights
from tests.rights.scene import document

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

NEXT = {"name": "Petit-Invente", "email": "p.petit@example.org", "phone": "+33 6 11 11 11 11"}
SAID = "another household is or was connected under this account; give this one an account of its own"


def form(world: LocalWorld, account: str, person: dict[str, str], pce: str = "") -> None:
    """Store what a form stores, and declare the right."""
    pce = pce or holder(account).pces[0]
    asked = Declaration(pce=pce, perimeters=["informatives"], **{**PERSON, "postcode": postcode(pce), **person})
    now = datetime.now(UTC)
    record = new_record(account, asked, now, by=HOUSEHOLD)
    ConsentRecords(CouchDBHook()).add(record)
    stored = document(world, account) or None
    world.book.save(declaring(stored, account, asked, at=now, by=HOUSEHOLD, record=record.id))
    Declaring(CouchDBHook(), adict_hook(), account).declare()


def program(world: LocalWorld, account: str, person: dict[str, str], pce: str = "") -> None:
    """Store what another program stores, and declare the right."""
    pce = pce or holder(account).pces[0]
    stored = document(world, account) or {"_id": account, "account_type": "grdfgrandlyon"}
    world.book.save(stored | {"declaration": {"pce": pce, **PERSON, "postcode": postcode(pce), **person}})
    Declaring(CouchDBHook(), adict_hook(), account).declare()


def end_rights(world: LocalWorld, account: str) -> None:
    """Let all rights to the account's meter end."""
    for right in rights(world, holder(account).pces[0]):
        if right["etat_droit_acces"] == "Active":
            world.control.revoke(right["id_droit_acces"])


def clear_away(account: str) -> None:
    """Remove the account's records and data, which a test that follows would find."""
    for doctype in (CONSENT_RECORD, DAY, MONTH, YEAR, PUBLISHED):
        Remover(CouchDBHook()).remove_range(doctype, *account_range(account))
