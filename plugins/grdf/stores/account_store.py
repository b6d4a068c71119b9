"""The accounts: Cozy-shaped documents in CouchDB, changed by read, change and write again until nobody interferes."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TypeVar

from grdf.hooks.couchdb import CouchDBHook, Document
from include.gas.account.account import ACCOUNT_TYPE, Account
from include.gas.account.grant import RESULTS
from include.gas.account.sections.marks import leaving
from include.gas.account.state import with_state
from include.gas.days.gas_day import utc_text
from include.gas.documents.doctypes import ACCOUNT, LEASE
from include.gas.documents.gas_days import check_account_id
from include.gas.errors import BadAccount, GasError, StoreBusy

TRIES = 10
LISTED = "list-of-consents"
"""Id of the document that says when the last list was asked for by which all accounts were checked."""
_Stored = TypeVar("_Stored", Document, Document | None)


class AccountStore:
    """Read and change account documents.

    :param couchdb: the hook whose connection says where they are
    """

    def __init__(self, couchdb: CouchDBHook) -> None:
        self._couchdb = couchdb

    def document(self, account_id: str) -> Document:
        """Read an account's document.

        :param account_id: the account's id
        :raises BadAccount: when there is none
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
        """Read an account.

        :param account_id: the account's id
        :raises BadAccount: when there is none, or its document is odd
        """
        return Account.from_document(self.document(account_id))

    def update(self, account_id: str, change: Callable[[Document], Document]) -> Document:
        """Change an account's document, starting again whenever somebody else has changed it meanwhile.

        Nothing is written when the change changes nothing.

        :param account_id: the account's id
        :param change: makes the new document from the stored one; called once per try, must not change its argument
        :raises BadAccount: when the account does not exist
        :raises StoreBusy: when others kept changing it
        """
        return self._write(account_id, lambda: self.document(account_id), change)

    def save(self, account_id: str, change: Callable[[Document | None], Document]) -> Document:
        """Make or change an account's document, as :meth:`update` does.

        :param account_id: the account's id
        :param change: makes the new document from the stored one, or from ``None`` when there is none
        :raises StoreBusy: when others kept changing it
        """
        return self._write(account_id, lambda: self._couchdb.get(ACCOUNT, account_id), change)

    def _write(self, account_id: str, read: Callable[[], _Stored], change: Callable[[_Stored], Document]) -> Document:
        for turn in range(TRIES):
            time.sleep(random.uniform(0, 0.02) * turn)  # writers that met once must not keep step
            stored = read()
            new = change(stored)
            if new == stored or self._couchdb.put(ACCOUNT, new):
                return new
        raise StoreBusy.about(cause=f"others changed its document {TRIES} times in a row", account=account_id)

    def mark(self, account_id: str, error: GasError, *, partial: bool = False, asked: Account | None = None) -> None:
        """Put on an account what a person must do, when the failure is about this household and not about everybody.

        :param account_id: the account's id
        :param error: the failure; its class says which Cozy word goes with it, or none
        :param partial: whether other meters of the account can be read all the same
        :param asked: the account as GRDF was asked for it: nothing is marked when it holds another consent by now, of
            which this says nothing
        """
        if not error.state:
            return
        state, now = error.state, datetime.now(UTC)

        def change(document: Document) -> Document:
            if asked is not None and _rights(asked) != _rights(Account.from_document(document)):
                return document
            return with_state(document, state, str(error), since=now, partial=partial)

        self.update(account_id, change)

    def holding(self, pce: str) -> list[Document]:
        """Find the account documents that name a meter, as theirs or, before their first launch, as the konnector's.

        There is no index: CouchDB looks through all accounts, which a first launch, a connection and a deletion do.

        :param pce: the meter
        """
        named = [{f"{RESULTS}.pce_id": pce}, {f"{RESULTS}.consents": {"$elemMatch": {"pce": pce}}}]
        found = self._couchdb.find(ACCOUNT, {"account_type": ACCOUNT_TYPE, "$or": named})
        return sorted(found, key=lambda document: str(document["_id"]))

    def listed_at(self) -> str:
        """Return when GRDF was asked for the last list by which all accounts were checked, UTC text; "" if never."""
        return str((self._couchdb.get(LEASE, LISTED) or {}).get("asked_at") or "")

    def note_listed(self, asked_at: datetime) -> None:
        """Note that all accounts were checked by a list; those that it did not show say so themselves.

        :param asked_at: when GRDF was asked for it, aware
        """
        for _ in range(TRIES):
            stored = self._couchdb.get(LEASE, LISTED) or {"_id": LISTED}
            if self._couchdb.put(LEASE, stored | {"asked_at": utc_text(asked_at)}):
                return

    def listed(self) -> Iterator[Document]:
        """Return the account documents of our account type that are not leaving, in the order of their ids."""
        for document in self._couchdb.scan(ACCOUNT):
            if document.get("account_type") == ACCOUNT_TYPE and leaving(document) is None:
                yield document


def _rights(account: Account) -> dict[str, str | None]:
    return {meter.pce: meter.id_accreditation for meter in account.meters}


def listing_problem(document: Document) -> str | None:
    """Say why an account cannot have a DAG, ``None`` when it can.

    :param document: the account's document
    """
    try:
        check_account_id(document["_id"])
    except ValueError as error:
        return str(error)
    return None
