"""The accounts that the check of health has seen, in an Airflow Variable: a CouchDB that lost them cannot tell.

It contains ids and nothing else. It is not updated while accounts are missing, so the check stays red until they are
back or a person removes the Variable. The account list forgets what is gone a day later.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Set
from typing import TYPE_CHECKING

from grdf.stores import shared_list
from include.gas.documents.doctypes import ACCOUNT
from include.gas.documents.gas_days import database_name
from include.gas.health.vanished import vanished

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook

VARIABLE = "grdf_health_known"
"""Name of the Variable."""

log = logging.getLogger(__name__)


def lost(couchdb: CouchDBHook, present: Set[str]) -> tuple[Set[str], int]:
    """Return the accounts that are gone and should not be, and how many were known. If none is, remember those present.

    :param couchdb: the hook for the CouchDB that holds the accounts
    :param present: the accounts that it holds
    """
    checked = _read(couchdb)
    gone, known = vanished(present, checked, _listed(), lambda ids: couchdb.deleted(ACCOUNT, ids))
    if not gone and checked != present:
        _write(couchdb, present)
    return gone, known


def forget(couchdb: CouchDBHook, account: str) -> None:
    """Say that an account was deleted, so that the next check does not miss it.

    This never raises. If it fails, the check may call a person for an account that has left.
    """
    checked = _read(couchdb)
    if checked and account in checked:
        _write(couchdb, checked - {account})


def _read(couchdb: CouchDBHook) -> Set[str] | None:
    found = shared_list.read(VARIABLE)
    try:
        # Those of other databases are not missed: somebody has led the connection elsewhere.
        return (
            set(map(str, found[0]["ids"]))
            if found and found[0]["of"] == database_name(ACCOUNT, couchdb.prefix)
            else None
        )
    except (KeyError, TypeError):
        return None


def _write(couchdb: CouchDBHook, accounts: Set[str]) -> None:
    from airflow.sdk import Variable

    text = shared_list.packed({"of": database_name(ACCOUNT, couchdb.prefix), "ids": sorted(accounts)}, time.time())
    try:
        Variable.set(VARIABLE, text, description="The accounts (ids) that grdf_health has seen and would miss.")
    except Exception as error:  # noqa: BLE001 - the check has its verdict without it
        log.warning("The Airflow Variable %s cannot be written (%s).", VARIABLE, type(error).__name__)


def _listed() -> Set[str]:
    found = shared_list.read()
    try:
        return set(map(str, found[0]["ids"])) if found else set()
    except (KeyError, TypeError):
        return set()
