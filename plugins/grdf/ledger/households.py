"""Giving one household of an import its record, its account and its right. Each may be repeated at any point."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from grdf.hooks.adict import AdictHook
from grdf.hooks.couchdb import CouchDBHook, Document
from grdf.ledger.meters import Ledger
from grdf.ledger.taking_in import TakingIn, settled
from grdf.quota.terms import HISTORY
from grdf.stores.accounts.account_store import AccountStore
from grdf.stores.records.consent_records import ConsentRecords
from grdf.stores.removal import Remover
from include.gas.account.connected import declaring
from include.gas.account.own_meters import named_in
from include.gas.account.sections.marks import Connected
from include.gas.account.sections.rights.declaration import is_same_holder, names_person, without_person
from include.gas.account.sections.status import Status
from include.gas.account.state import with_state
from include.gas.days.gas_day import paris_today, utc_text
from include.gas.documents.doctypes import ACCOUNT
from include.gas.documents.stored_consent import ConsentRecord
from include.gas.errors import OF_CLIENT, FailNow
from include.gas.importing.line_check import BY, Checked
from include.gas.proof.consent_record import YOUNG, new_record
from include.gas.rights.meter_rights import Meter, hold

DECLARED = "its right is declared"
WAITS = "its right is declared, and GRDF asks the holder"
RENEWS = "its right is in force until {}, and GRDF takes no other before: then it is declared by itself"


class Households:
    """Takes in the households of one import, one after the other.

    :param adict: the hook for one of our clients, which leads to those of the accounts
    :param file: name of the import's file, for the records
    :param asker: who started the import
    """

    def __init__(self, couchdb: CouchDBHook, adict: AdictHook, *, file: str, asker: str) -> None:
        self._couchdb = couchdb
        self._adict = adict
        self._accounts = AccountStore(couchdb)
        self._records = ConsentRecords(couchdb)
        self._ledger = Ledger(couchdb)
        self._file, self._by = file, f"{BY}{asker}"

    def known(self, line: Checked, meter: Meter) -> str:
        """Return the account of a household for which its line names none: a record knows it; ``""`` if none does.

        One whose right to the meter is over may be that of a former tenant of the same name.

        :param meter: the line's meter
        """
        assert line.declaration
        today = paris_today(datetime.now(UTC))
        for record in self._records.by_meter[meter.pce]:
            is_its = bool(record.account) and is_same_holder(record.entered, line.declaration)
            if is_its and hold(meter, record.account, today).word not in ("over", "refused"):
                return record.account
        return ""

    def take_in(self, line: Checked, connection: str) -> Checked:
        """Make sure that a household has its record, its account and its right. Return the line with what came of it.

        :param line: a line to declare with an account, which may not exist yet
        :param connection: the client of a new account
        :raises FailNow: if it cannot be declared; what this has stored of the person is removed again, unless the error
            is about the client (:data:`OF_CLIENT`)
        :raises RetryLater: if GRDF or CouchDB does not answer, or it is not our turn; repeating it continues
        """
        given, account = line.declaration, line.account
        assert given
        record = self._record(line)
        try:
            document = self._accounts.save(
                account,
                lambda stored: declaring(
                    stored, account, given, at=datetime.now(UTC), by=self._by, record=record.id, connection=connection
                ),
            )
            document = TakingIn(self._couchdb, self._adict.of(document), account, HISTORY).take_in()
        except OF_CLIENT:
            raise
        except FailNow:
            self._take_back(record)
            raise
        held = Status.held(document)[given.pce]
        renews = names_person(document) and held.day
        reason = WAITS if held.word == "waiting" else RENEWS.format(held.day) if renews else DECLARED
        return replace(line, outcome="declared", reason=reason)

    def _record(self, line: Checked) -> ConsentRecord:
        """Store the record of the consent, unless an earlier try has done it lately."""
        assert line.declaration
        now, proof = datetime.now(UTC), f"line {line.number} of {self._file}"
        new = new_record(line.account, line.declaration, now, by=self._by, proof=proof)
        for known in self._records.of(line.account):
            same = (known.pce, known.proof, known.entered) == (new.pce, new.proof, new.entered)
            if same and known.given > utc_text(now - YOUNG):
                return known
        self._records.add(new)
        return new

    def _take_back(self, record: ConsentRecord) -> None:
        """Remove the person again: with the account if it has nothing else, otherwise from the account."""
        account, rights = record.account, self._ledger.fetch([record.pce])[record.pce].of(record.account)
        if any(right.state == "asked" for right in rights):
            return  # GRDF may have taken it: the account keeps what it needs to find out
        stored = self._couchdb.get(ACCOUNT, account)
        if stored is not None and Connected.record_of(stored) == record.id:
            if rights or named_in(stored, account):
                self._accounts.update(account, self._bare)
            else:
                Remover(self._couchdb).remove_revisions(ACCOUNT, {account: str(stored["_rev"])})
        if not any(right.since >= record.given for right in rights):  # else it may prove one of them
            self._records.remove(record)

    def _bare(self, document: Document) -> Document:
        """Return an account's document without the person, and with the state that its rights give it."""
        return settled(self._ledger, with_state(without_person(document), None))
