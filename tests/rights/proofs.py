"""Accounts whose rights the ledger knows, as after their first run, and the proofs of these."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grdf.hooks.adict import AdictHook
from grdf.ledger.account_intake import AccountIntake
from include.gas.account.account import Account
from include.gas.rights.meter_rights import Proof
from tests.rights.scene import bring, document

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld


def brought(world: LocalWorld, couchdb: CouchDBHook, account: str, pce: str, **terms: Any) -> str:
    """Let a household consent for a meter, and take its account in. Return the right's id."""
    right = bring(world, account, pce, **terms)
    take_in(couchdb, account)
    return right


def take_in(couchdb: CouchDBHook, account: str) -> None:
    """Do what the account's next run does first."""
    AccountIntake(couchdb, AdictHook(), account).process_account()


def proofs_of(world: LocalWorld, account: str) -> dict[str, Proof]:
    """Return what an account says of its proofs, by GRDF's id of the right."""
    meters = Account.from_document(document(world, account)).meters
    return {right: proof for meter in meters for right, proof in meter.proofs.items()}
