"""Taking back what a form has stored that GRDF refuses, while others may send another form for the same account."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from grdf.hooks.couchdb import CouchDBHook
from grdf.stores.accounts.account_store import AccountStore
from grdf.stores.records.consent_records import ConsentRecords
from grdf.stores.removal import Remover
from include.gas.account.connected import as_before, is_asked, is_bare
from include.gas.account.sections.marks import Connected, leaving
from include.gas.account.sections.rights.declaration import Declaration, names_person, without_person
from include.gas.account.sections.rights.sent_declarations import SentDeclarations
from include.gas.documents.doctypes import ACCOUNT
from include.gas.documents.gas_days import Document
from include.gas.documents.stored_consent import ConsentRecord
from include.gas.errors import GasError, StoreBusy

log = logging.getLogger(__name__)
TRIES = 5
_Test = Callable[[Mapping[str, Any]], bool]
_Change = Callable[[Document], Document]


class Undoing:
    """Leaves an account as it was before a form was sent, and no record of it.

    A form finds the declaration of another one on the account, and puts it back when it is refused itself. That one may
    have been refused in the meantime, and would be sent again by the account's DAG. So what is put back must still have
    its record, which each form removes between two looks at the account.

    :param asked: what the form asked for
    :param record: the record that was stored with it
    """

    def __init__(self, couchdb: CouchDBHook, asked: Declaration, record: ConsentRecord) -> None:
        self._couchdb = couchdb
        self._records = ConsentRecords(couchdb)
        self._asked = asked
        self._record = record
        self._account = record.account

    def undo(self, before: Document | None) -> None:
        """Take it back. If GRDF may have the right all the same, everything stays, so that a deletion can end it.

        This never raises: the error that led here says more. What stays is told to a person by the account's state.

        :param before: the account's document before the form was sent; ``None`` if there was none
        """
        try:
            if self._may_be_taken():
                log.warning("Account %s: it stays, because GRDF may have the right all the same.", self._account)
                return
            self._put_back(before or {})
            self._records.remove(self._record)
            self._put_back(before or {})
        except GasError as error:
            log.error(
                "Account %s: it was not connected, but what was entered could not be removed from it. Correct its "
                "declaration in CouchDB, or delete the account. %s", self._account, error,
            )  # fmt: skip

    def _may_be_taken(self) -> bool:
        document = self._couchdb.get(ACCOUNT, self._account) or {}
        name, email = self._asked.name or self._asked.company, self._asked.email
        sent = SentDeclarations.of(document)
        return any(each.pce == self._asked.pce and each.is_for(name, email) for each in sent)

    def _put_back(self, before: Document) -> None:
        def is_ours(stored: Mapping[str, Any]) -> bool:
            return Connected.record_of(stored) == self._record.id and is_asked(stored, self._asked)

        self._change(is_ours, lambda stored: as_before(stored, before))
        other = Connected.record_of(before)
        if other and names_person(before) and not self._records.has(other):
            self._change(lambda stored: Connected.record_of(stored) == other, without_person)

    def _change(self, concerns: _Test, change: _Change) -> None:
        """Change the account, or remove it if nothing is left that anybody has entered."""
        for _ in range(TRIES):
            stored = self._couchdb.get(ACCOUNT, self._account)
            if stored is None or not concerns(stored):
                return
            if leaving(stored) is not None or not is_bare(change(stored)):
                AccountStore(self._couchdb).update(
                    self._account, lambda found: change(found) if concerns(found) else found
                )
                return
            if Remover(self._couchdb).remove_revision(ACCOUNT, self._account, str(stored["_rev"])):
                return
        raise StoreBusy.about(self._account, f"others changed its document {TRIES} times in a row")
