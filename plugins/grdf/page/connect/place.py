"""Where an account is connected: its document, its client at GRDF, and the page's own address."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from grdf import settings
from grdf.hooks.connection import connection_of
from grdf.hooks.couchdb import CouchDBHook
from grdf.hooks.oauth import CALLBACK, GrdfOAuthHook
from grdf.ledger.room import client_with_room
from grdf.page.list.mirror import mirror
from include.gas.account.connected import check_connectable
from include.gas.documents.doctypes import ACCOUNT, AUDIT
from include.gas.documents.gas_days import Document, account_range
from include.gas.errors import BadAccount
from include.gas.leaving.deletion import all_left

LOOK_UP = (3.05, 15.0)
"""Connect and read timeouts for CouchDB, in seconds."""


class Place(NamedTuple):
    """The account's document, if it exists, and the client that it belongs to, or gets."""

    document: Document | None
    connection: str

    def check_unchanged(self, stored: Document | None) -> None:
        """Check that the account is still what it was, when its document is written.

        :raises BadAccount: if it has been removed, or has another client
        """
        if (self.document is not None and stored is None) or (stored and connection_of(stored) != self.connection):
            raise BadAccount.about(
                str((stored or self.document or {}).get("_id")),
                "it has been connected in another way in the meantime, or removed, so nothing was connected. A consent "
                "that was just given remains at GRDF, unused",
                "Start again.",
            )


def couchdb() -> CouchDBHook:
    """Return a hook for CouchDB that gives up soon, because a person is waiting."""
    return CouchDBHook(timeout=LOOK_UP, patience=1)


def place(account: str) -> Place:
    """Check that an account may be connected, and return with which client.

    :raises GasError: if it may not be connected, its client is none of ours, or CouchDB cannot be read
    """
    store = couchdb()
    document = store.get(ACCOUNT, account)
    check_connectable(document)
    records = store.range(AUDIT, *account_range(account))
    if account in all_left(records):
        raise BadAccount.about(
            account,
            "its household has left or leaves, and the id of an account is not used again",
            "Choose a new id. A household that comes back connects as a new account.",
        )
    return Place(document, _client_for_new() if document is None else connection_of(document))


def _client_for_new() -> str:
    listed = settings.connections()
    if len(listed) == 1:
        return listed[0]
    meters: Counter[str] = Counter()
    for line in mirror().lines().values():
        meters[line.client] += max(len(line.meters), 1)
    return client_with_room(meters)


def page_address(connection: str) -> str:
    """Return the page's address as GRDF and households see it.

    :param connection: the connection whose redirect URI leads there
    :raises BadSettings: if it is not known
    """
    return GrdfOAuthHook(connection).redirect_uri.rstrip("/").removesuffix(CALLBACK)
