"""The account documents in CouchDB, in Cozy's form, changed by compare-and-swap."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial

from grdf.hooks.couchdb import CouchDBHook, Document
from grdf.stores.compare_and_swap import change_document
from include.gas.account.account import ACCOUNT_TYPE, Account, check_not_leaving
from include.gas.account.marks import leaving_asker
from include.gas.account.state import with_error
from include.gas.documents.doctypes import ACCOUNT
from include.gas.errors import BadAccount, GasError


class AccountStore:
    """Reads and changes account documents."""

    def __init__(self, couchdb: CouchDBHook) -> None:
        self._couchdb = couchdb

    def read_document(self, account_id: str) -> Document:
        """Return an account's document; ``BadAccount`` if there is none."""
        document = self._couchdb.get(ACCOUNT, account_id) if account_id else None
        if document is None:
            raise BadAccount.about(
                cause=f"there is no such account in CouchDB (connection {self._couchdb.couchdb_conn_id})",
                account=account_id,
                next_step="If it was deleted, its DAG disappears by itself. If it should exist, let the "
                "household connect.",
            )
        return document

    def read_account(self, account_id: str) -> Account:
        """Return an account; ``BadAccount`` if there is none, or its document is invalid."""
        return Account.from_document(self.read_document(account_id))

    def update(
        self, account_id: str, change: Callable[[Document], Document], *, known: Document | None = None
    ) -> Document:
        """Change an account's document by compare-and-swap, and return it; ``BadAccount`` if there is none."""
        read = partial(self.read_document, account_id)
        return change_document(self._couchdb, ACCOUNT, read, change, account=account_id, known=known)

    def update_if_staying(
        self, account_id: str, change: Callable[[Document], Document], *, known: Document | None = None
    ) -> Document:
        """Change the document as :meth:`update` does; ``AccountLeaving`` during a deletion."""

        def change_if_it_stays(document: Document) -> Document:
            check_not_leaving(document)
            return change(document)

        return self.update(account_id, change_if_it_stays, known=known)

    def save(self, account_id: str, change: Callable[[Document | None], Document]) -> Document:
        """Create or change an account's document, as :meth:`update` does."""
        read = partial(self._couchdb.get, ACCOUNT, account_id)
        return change_document(self._couchdb, ACCOUNT, read, change, account=account_id)

    def mark_error(self, account_id: str, error: GasError, *, partial: bool = False) -> None:
        """Note on an account what a person must do, if a failure concerns this household."""
        if not error.state:
            return
        now = datetime.now(UTC)
        self.update(account_id, lambda document: with_error(document, error, since=now, partial=partial))

    def all_documents(self) -> Iterator[Document]:
        """Yield all documents of the database, also those of other services."""
        yield from self._couchdb.scan(ACCOUNT)

    def our_documents(self) -> Iterator[Document]:
        """Yield the documents of our account type by id, also leaving ones."""
        return (document for document in self.all_documents() if document.get("account_type") == ACCOUNT_TYPE)

    def active_documents(self) -> Iterator[Document]:
        """Yield the documents of our account type that are not leaving, by id."""
        return (document for document in self.our_documents() if leaving_asker(document) is None)
