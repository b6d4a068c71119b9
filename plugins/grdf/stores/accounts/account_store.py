"""The account documents in CouchDB, in Cozy's form. A change is repeated until no other writer interferes."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TypeVar

from grdf.hooks.couchdb import CouchDBHook, Document
from grdf.stores.accounts.account_index import AccountIndex
from include.gas.account.account import ACCOUNT_TYPE, Account
from include.gas.account.sections.client import DEFAULT
from include.gas.account.sections.marks import leaving
from include.gas.account.state import with_error
from include.gas.days.gas_day import utc_text
from include.gas.documents.doctypes import ACCOUNT, LEASE
from include.gas.documents.gas_days import check_account_id
from include.gas.errors import BadAccount, GasError, StoreBusy

TRIES = 10
LISTED = "list-of-consents"
"""Id of the document that records when GRDF was last asked for a list by which all accounts were checked."""
_Stored = TypeVar("_Stored", Document, Document | None)


class AccountStore:
    """Reads and changes account documents."""

    def __init__(self, couchdb: CouchDBHook) -> None:
        self._couchdb = couchdb
        self._index = AccountIndex(couchdb)

    def document(self, account_id: str) -> Document:
        """Return an account's document.

        :raises BadAccount: if there is none
        """
        document = self._couchdb.get(ACCOUNT, account_id)
        if document is None:
            raise BadAccount.about(
                cause=f"there is no such account in CouchDB (connection {self._couchdb.couchdb_conn_id})",
                account=account_id,
                next_step="If it was deleted, its DAG disappears by itself. If it should exist, let the "
                "household connect.",
            )
        return document

    def account(self, account_id: str) -> Account:
        """Return an account.

        :raises BadAccount: if there is none, or its document is invalid
        """
        return Account.from_document(self.document(account_id))

    def update(
        self, account_id: str, change: Callable[[Document], Document], *, known: Document | None = None
    ) -> Document:
        """Change an account's document. Start again whenever another writer has changed it in the meantime.

        Nothing is written if the document stays the same.

        :param change: returns the new document for the stored one; called once per try, must not change its argument
        :param known: the document as the caller has read it, which saves a request. If it is out of date, CouchDB
            refuses the write. If nothing is to be written, it is read again all the same: it may be out of date
        :return: the document as it is stored now
        :raises BadAccount: if the account does not exist
        """
        if known is not None:
            new = change(known)
            if new != known and (revision := self._couchdb.put(ACCOUNT, new)):
                return new | {"_rev": revision}
        return self._write(account_id, lambda: self.document(account_id), change)

    def save(self, account_id: str, change: Callable[[Document | None], Document]) -> Document:
        """Create or change an account's document, as :meth:`update` does.

        :param change: returns the new document for the stored one, or for ``None`` if there is none
        """
        return self._write(account_id, lambda: self._couchdb.get(ACCOUNT, account_id), change)

    def _write(self, account_id: str, read: Callable[[], _Stored], change: Callable[[_Stored], Document]) -> Document:
        for turn in range(TRIES):
            time.sleep(random.uniform(0, 0.02) * turn)  # so that competing writers do not collide again
            stored = read()
            new = change(stored)
            if new == stored:
                return new
            if revision := self._couchdb.put(ACCOUNT, new):
                return new | {"_rev": revision}
        raise StoreBusy.about(cause=f"others changed its document {TRIES} times in a row", account=account_id)

    def mark(self, account_id: str, error: GasError, *, partial: bool = False, asked: Account | None = None) -> None:
        """Note on an account what a person must do, if a failure concerns this household rather than everybody.

        :param error: its class says which Cozy state goes with it, if any
        :param partial: whether other meters of the account can still be read
        :param asked: the account for which GRDF was asked; nothing is marked if the account now holds another consent,
            because the failure says nothing about that one
        """
        if not error.state:
            return
        now = datetime.now(UTC)

        def change(document: Document) -> Document:
            if asked is not None and _rights(asked) != _rights(Account.from_document(document)):
                return document
            return with_error(document, error, since=now, partial=partial)

        self.update(account_id, change)

    def holding(self, pce: str) -> list[Document]:
        """Return the account documents that name a meter: as theirs or, before a first launch, as the konnector's."""
        return sorted(self._index.holding(pce), key=lambda document: str(document["_id"]))

    def waiting(self) -> list[Document]:
        """Return the account documents with a declaration and a right that waits for its holder."""
        return sorted(
            (each for each in self._index.waiting() if leaving(each) is None), key=lambda document: str(document["_id"])
        )

    def listed_at(self, client: str = DEFAULT) -> str:
        """Return when GRDF was last asked for a list by which all accounts were checked, as UTC text; "" if never.

        :param client: the connection of the client whose list that was, and whose accounts they were
        """
        return str((self._couchdb.get(LEASE, _listed(client)) or {}).get("asked_at") or "")

    def note_listed(self, asked_at: datetime, client: str = DEFAULT) -> None:
        """Record that all accounts of a client were checked by its list. Those that it did not show say so themselves.

        :param asked_at: when GRDF was asked for the list, with a time zone
        :param client: the connection of the client
        """
        name = _listed(client)
        for _ in range(TRIES):
            stored = self._couchdb.get(LEASE, name) or {"_id": name}
            if self._couchdb.put(LEASE, stored | {"asked_at": utc_text(asked_at)}):
                return

    def every(self) -> Iterator[Document]:
        """Yield all documents of the database, also those of other services and of accounts that are leaving."""
        yield from self._couchdb.scan(ACCOUNT)

    def every_of_ours(self) -> Iterator[Document]:
        """Yield the account documents of our account type, also those that are leaving, in the order of their ids."""
        return (document for document in self.every() if document.get("account_type") == ACCOUNT_TYPE)

    def has_any(self) -> bool:
        """Return whether the database exists and holds an account of our account type, be it one that is leaving."""
        return any(document.get("account_type") == ACCOUNT_TYPE for document in self.every())

    def listed(self) -> Iterator[Document]:
        """Yield the account documents of our account type that are not leaving, in the order of their ids."""
        for document in self._couchdb.scan(ACCOUNT):
            if document.get("account_type") == ACCOUNT_TYPE and leaving(document) is None:
                yield document


def _listed(client: str) -> str:
    return LISTED if client == DEFAULT else f"{LISTED}-{client}"


def _rights(account: Account) -> dict[str, str | None]:
    return {meter.pce: meter.id_accreditation for meter in account.meters}


def listing_problem(document: Document) -> str | None:
    """Return why an account cannot have a DAG, or ``None`` if it can."""
    try:
        check_account_id(document["_id"])
    except ValueError as error:
        return str(error)
    return None
