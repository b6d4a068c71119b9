"""Giving one household of an import its record, its account and its right. Each may be repeated at any point."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime

from grdf.hooks.adict import AdictHook
from grdf.hooks.couchdb import CouchDBHook, Document
from grdf.ledger.clients_aside import OF_CLIENT
from grdf.ledger.meters import Ledger
from grdf.ledger.taking_in import TakingIn, settled
from grdf.quota.terms import HISTORY
from grdf.stores.accounts.account_store import AccountStore
from grdf.stores.records.consent_records import ConsentRecords
from grdf.stores.removal import Remover
from include.gas.account.connected import declaring, is_asked
from include.gas.account.sections.client import DEFAULT
from include.gas.account.sections.rights.declaration import (
    Declaration,
    is_same_holder,
    names_person,
    without_person,
)
from include.gas.account.sections.status import Status
from include.gas.account.state import with_state
from include.gas.days.gas_day import paris_today
from include.gas.documents.doctypes import ACCOUNT
from include.gas.documents.stored_consent import ConsentRecord
from include.gas.errors import AccountLeaving, FailNow, LeftBefore
from include.gas.importing.holdings import known_meters
from include.gas.importing.import_records import BY, is_imported, proof_of
from include.gas.importing.line_check import Checked, beside_account
from include.gas.importing.result_file import Result, result_of
from include.gas.proof.consent_record import new_record

PREFIX = "household-"
"""How the ids begin of accounts for which the file names none."""

DECLARED = "its right is declared"
WAITS = "its right is declared, and GRDF asks the holder"
RENEWS = "its right is in force, and GRDF takes no other before it ends: then it is declared by itself"
DELETED = "the household was deleted while the import was in progress"


def new_account() -> str:
    """Return an id that no account has."""
    return f"{PREFIX}{secrets.token_hex(5)}"


class Households:
    """Takes in the households of one import, one after the other.

    :param adict: the hook for one of our clients, which leads to those of the accounts
    :param file: name of the import's file, for the records
    :param asker: who started the import
    :param choose: returns the connection of the client that a new account is to belong to
    """

    def __init__(
        self, couchdb: CouchDBHook, adict: AdictHook, *, file: str, asker: str, choose: Callable[[], str]
    ) -> None:
        self._couchdb = couchdb
        self._adict = adict
        self._accounts = AccountStore(couchdb)
        self._records = ConsentRecords(couchdb)
        self._ledger = Ledger(couchdb)
        self._file, self._by = file, f"{BY}{asker}"
        self._choose = choose

    def knows(self, account: str, given: Declaration) -> bool:
        """Return whether a record says that an account is that of whoever holds a contract."""
        return any(each.pce == given.pce and is_same_holder(each.entered, given) for each in self._records.of(account))

    def take_in(self, line: Checked) -> Result:
        """Make sure that a household has its record, its account and its right.

        :param line: an open line with an account, which may not exist yet
        :return: what came of it: ``declared``, ``left``, or what the check would say now
        :raises FailNow: if it cannot be declared; what this has stored of the person is removed again, unless the error
            is about the client (:data:`OF_CLIENT`)
        :raises RetryLater: if GRDF or CouchDB does not answer, or it is not our turn; repeating it continues
        """
        given, account = line.declaration, line.account
        assert given
        stored, meter = self._couchdb.get(ACCOUNT, account), self._ledger.fetch([given.pce])[given.pce]
        found = beside_account(line, stored, meter, paris_today(datetime.now(UTC))) if stored else line
        if found.verdict != "open":  # its own run has done it since the check, or somebody has changed it
            return result_of(found)
        is_again = stored is None or is_asked(stored, given)
        record = self._record(account, line.number, given, is_again=is_again)
        try:
            document = self._asked(account, given, record, DEFAULT if stored else self._choose())
            document = TakingIn(self._couchdb, self._adict.of(document), account, HISTORY).take_in()
        except OF_CLIENT:
            raise
        except FailNow as error:
            self._take_back(account, given, record, is_again=is_again)
            if isinstance(error, LeftBefore | AccountLeaving):
                return Result(line.number, account, "left", DELETED, key=line.key)
            raise
        held = Status.held(document)[given.pce]
        reason = WAITS if held.word == "waiting" else RENEWS if names_person(document) else DECLARED
        detail = f"on {held.day}" if reason == RENEWS else ""
        return Result(line.number, account, "declared", reason, detail, key=line.key)

    def _record(self, account: str, number: int, given: Declaration, *, is_again: bool) -> ConsentRecord:
        """Store the record of the consent, unless an earlier try has done it.

        :param is_again: whether there may have been an earlier try; else a like record is that of a former right
        """
        new = new_record(account, given, datetime.now(UTC), by=self._by, proof=proof_of(number, self._file))
        known = self._records.of(account) if is_again else []
        same = (each for each in known if (each.pce, each.proof, each.entered) == (new.pce, new.proof, new.entered))
        if record := next(same, None):
            return record
        self._records.add(new)
        return new

    def _asked(self, account: str, given: Declaration, record: ConsentRecord, connection: str) -> Document:
        """Write what the household asks for to its account, and return the document.

        :param connection: the client of a new account
        """
        return self._accounts.save(
            account,
            lambda stored: declaring(
                stored, account, given, at=datetime.now(UTC), by=self._by, record=record.id, connection=connection
            ),
        )

    def _take_back(self, account: str, given: Declaration, record: ConsentRecord, *, is_again: bool) -> None:
        """Remove the person again: with the account if it has nothing else, otherwise from the account."""
        stored = self._couchdb.get(ACCOUNT, account)
        rights = self._ledger.fetch([given.pce])[given.pce].of(account)
        if any(right.state == "asked" for right in rights):
            return  # GRDF may have taken it: the account keeps what it needs to find out
        if stored is not None and is_asked(stored, given):
            if is_imported(stored) and not rights and known_meters(stored, account) == []:
                Remover(self._couchdb).remove_revisions(ACCOUNT, {account: str(stored["_rev"])})
            else:
                self._accounts.update(account, lambda document: _bare(self._ledger, document, given))
        if not (is_again and rights):
            self._records.remove(record)


def _bare(ledger: Ledger, document: Document, given: Declaration) -> Document:
    """Return the account's document without the person, and with the state that its rights give it."""
    if not is_asked(document, given):
        return document
    return settled(ledger, with_state(without_person(document), None))
