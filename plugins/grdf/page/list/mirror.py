"""The mirror of the accounts that all requests to this process share: one line of the list per account."""

from __future__ import annotations

from grdf.hooks.couchdb import CouchDBHook
from grdf.stores.accounts.account_mirror import AccountMirror, KeptMirror
from include.gas.display.overview import Overview, overview

_shared = KeptMirror(overview, patience=1)


def mirror() -> AccountMirror[Overview]:
    """Return this process's mirror of the accounts in the CouchDB of the Airflow connection ``couchdb``.

    :raises GasError: if the connection cannot be used
    """
    return _shared.get()


def couchdb() -> CouchDBHook:
    """Return this process's hook for the CouchDB of the Airflow connection ``couchdb``.

    :raises GasError: if the connection cannot be used
    """
    return mirror().couchdb
