"""What the tests of the monthly reading share: an account's document and periods, and the calls to GRDF."""

from __future__ import annotations

from datetime import date
from typing import Any

from grdf.hooks.couchdb import CouchDBHook
from grdf.ledger.rights_ledger import Ledger
from grdf.stores.accounts.account_store import AccountStore
from include.gas.documents.day_documents import account_range
from include.gas.documents.doctypes import PUBLISHED
from include.gas.rights.transitions import end_right
from tests.plugins.steps import document


def change(world: Any, account: str, **fields: Any) -> None:
    world.book.save(document(world, account) | fields)


def billing(world: Any, account: str) -> dict[str, Any]:
    """Return what the account says of the monthly reading of its first meter; empty if it was not read."""
    found = document(world, account).get("status", {}).get("billing", {}).values()
    return dict(next(iter(found), {}))


def periods(account: str) -> list[dict[str, Any]]:
    return CouchDBHook().range(PUBLISHED, *account_range(account))


def month_later(world: Any, account: str) -> None:
    """Date what the account notes of its monthly readings so far back that they are due again."""
    said = document(world, account)
    for entry in said["status"]["billing"].values():
        entry["read_at"] = "2020-01-01T12:00:00.000000Z"
    world.book.save(said)


def end(account_id: str, pce: str, day: date) -> None:
    """GRDF's answer has shown that the right is over, and the account's own run has seen it."""
    couchdb = CouchDBHook()
    ledger = Ledger(couchdb)
    (right,) = ledger.fetch_meters([pce])[pce].rights_of(account_id)
    ledger.apply(pce, lambda meter: end_right(meter, right.id, day))
    AccountStore(couchdb).update(account_id, ledger.settle_account)


def asked_from(world: Any) -> list[str]:
    """Return the first day of each call for published data, in order, and clear the log."""
    log = world.control.log()
    world.control.clear_log()
    return [call["query"]["date_debut"] for call in log if call["path"].endswith("/donnees_consos_publiees")]


def calls(world: Any) -> list[str]:
    """Return the calls to GRDF except those for tokens, in order."""
    log = world.control.log()
    return [call["path"].rpartition("/")[2] for call in log if not call["path"].endswith("/access_token")]


ALL = ["donnees_contractuelles", "donnees_techniques", "donnees_consos_publiees"]
