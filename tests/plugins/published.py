"""What the tests of the monthly reading share: an account's document and periods, and the calls to GRDF."""

from __future__ import annotations

from typing import Any

from grdf.hooks.couchdb import CouchDBHook
from include.gas.documents.doctypes import PUBLISHED
from include.gas.documents.gas_days import account_range


def document(world: Any, account: str) -> dict[str, Any]:
    return world.book.get(account) or {}


def change(world: Any, account: str, **fields: Any) -> None:
    world.book.save(document(world, account) | fields)


def periods(account: str) -> list[dict[str, Any]]:
    return CouchDBHook().range(PUBLISHED, *account_range(account))


def calls(world: Any) -> list[str]:
    """Return the calls to GRDF except those for tokens, in order."""
    log = world.control.log()
    return [call["path"].rpartition("/")[2] for call in log if not call["path"].endswith("/access_token")]


ALL = ["donnees_contractuelles", "donnees_techniques", "donnees_consos_publiees"]
