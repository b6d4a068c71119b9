"""Giving one household of an import its account and its right: recorded, declared, and taken back if GRDF refuses."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime

from grdf.consents.declaring import Declaring
from grdf.hooks.adict import AdictHook
from grdf.hooks.couchdb import CouchDBHook, Document
from grdf.quota.terms import HISTORY
from grdf.stores.account_store import AccountStore
from grdf.stores.consent_records import ConsentRecords
from grdf.stores.removal import Remover
from include.gas.account.account import ACCOUNT_TYPE, Account, stop_if_leaving
from include.gas.account.declaration_check import to_declare
from include.gas.account.sections.declaration import PERSON, Declaration, names_person
from include.gas.account.sections.marks import Connected
from include.gas.account.sections.section import members, put
from include.gas.account.sections.sent_declarations import SentDeclarations
from include.gas.account.state import with_state
from include.gas.days.gas_day import utc_text
from include.gas.documents.doctypes import ACCOUNT, AUDIT
from include.gas.documents.gas_days import account_range
from include.gas.documents.stored_documents import ConsentRecord
from include.gas.errors import (
    AccountLeaving,
    BadAccount,
    BadRequest,
    DeclarationRefused,
    FailNow,
    MeterTaken,
    UnknownRefusal,
    describe_for,
)
from include.gas.importing.line_check import given_by
from include.gas.leaving.deletion_record import has_left_since
from include.gas.proof.consent_record import new_record
from include.gas.rights.declared_right import Declared

log = logging.getLogger(__name__)

ABOUT_HOUSEHOLD = (DeclarationRefused, MeterTaken, AccountLeaving, BadAccount, BadRequest, UnknownRefusal)
"""Errors that are about one household, so that the others are declared all the same."""
_BY = "import by "


class HouseholdLeft(FailNow):
    """The household was deleted after the import had begun, so it is not declared again."""

    default_step = "If it wants to come back, import it again in a new file."


class Households:
    """Declares the households of one import, one after the other. Each may be repeated at any point.

    :param couchdb: the hook for the CouchDB with accounts and records
    :param adict: the hook for ADICT
    :param file: name of the import's file, for the records
    :param asker: who started the import
    :param began: when the import began, UTC text; what was recorded or deleted since then is taken into account
    """

    def __init__(self, couchdb: CouchDBHook, adict: AdictHook, *, file: str, asker: str, began: str) -> None:
        self._couchdb = couchdb
        self._adict = adict
        self._accounts = AccountStore(couchdb)
        self._records = ConsentRecords(couchdb)
        self._file, self._by, self._began = file, f"{_BY}{asker}", began

    def declare(self, account: str, number: int, given: Declaration) -> Declared:
        """Make sure that a household has its record, its account and its right.

        :param account: account id; the account is created if there is none
        :param number: number of the household's line
        :param given: what the household gave, checked
        :raises HouseholdLeft: if it was deleted since the import began
        :raises DeclarationRefused: if GRDF refuses it, or the account has changed; what the import has stored of the
            person is removed again. So with the other errors of :data:`ABOUT_HOUSEHOLD`
        :raises RetryLater: if GRDF or CouchDB does not answer, or it is not our turn; repeating it continues
        """
        if has_left_since(self._couchdb.range(AUDIT, *account_range(account)), self._began):
            self.forget(account)
            raise HouseholdLeft.about(account, "the household was deleted while the import was in progress")
        self._record(account, number, given)
        try:
            self._accounts.save(account, lambda document: self._asking(account, document, given))
            return Declaring(self._couchdb, self._adict, account, HISTORY).declare()
        except ABOUT_HOUSEHOLD as error:
            self._take_back(account, given, number, error)
            raise

    def forget(self, account: str) -> None:
        """Remove what this import has recorded for an account that does not exist."""
        for record in self._recorded(account):
            self._records.remove(record)

    def _recorded(self, account: str) -> list[ConsentRecord]:
        return [
            record
            for record in self._records.of(account)
            if record.given >= self._began and record.by.startswith(_BY) and record.proof.endswith(f" of {self._file}")
        ]

    def _record(self, account: str, number: int, given: Declaration) -> None:
        """Store the record of the consent, unless an earlier try has done it."""
        proof = f"line {number} of {self._file}"
        new = new_record(account, given, datetime.now(UTC), by=self._by, proof=proof)
        known = [record for record in self._recorded(account) if record.pce == given.pce]
        same = [record for record in known if (record.entered, record.proof) == (new.entered, proof)]
        if not same:
            self._records.add(new)
        for record in known:
            if record not in same[:1]:  # of the file before it was corrected
                self._records.remove(record)

    def _asking(self, account: str, document: Document | None, given: Declaration) -> Document:
        """Return the account's document with the declaration."""
        section = given_by(given)
        if document is None:
            new = {"_id": account, "account_type": ACCOUNT_TYPE, Declaration.key: section}
            return Connected(utc_text(datetime.now(UTC)), self._by).noted(new)
        known = Account.from_document(document)
        stop_if_leaving(known)
        pces = {meter.pce for meter in known.meters} | ({to_declare(document).pce} if known.declares else set())
        if pces and given.pce not in pces:
            raise DeclarationRefused.about(
                account,
                "the account was given another meter while the import was in progress",
                "Import the household under another id.",
            )
        return put(document, Declaration.key, section)

    def _take_back(self, account: str, given: Declaration, number: int, error: FailNow) -> None:
        """Remove the person again: with the account if this import has created it, else from the account.

        An account stays whose right GRDF may have all the same, so that a deletion can end it.

        The deletion of an account that is leaving looks for the right itself, and needs what is stored for that.
        """
        if isinstance(error, AccountLeaving):
            return
        document = self._couchdb.get(ACCOUNT, account)
        if document is not None and self._is_new(document) and not SentDeclarations.of(document):
            Remover(self._couchdb).remove(ACCOUNT, account)
        elif document is not None and names_person(document) and _is_about(document, given):
            state, cause = error.state, error.cause
            step = f"Correct line {number} of {self._file} and import it again."

            def change(stored: Document) -> Document:
                section = {key: each for key, each in members(stored.get(Declaration.key)).items() if key not in PERSON}
                bare = put(stored, Declaration.key, None if not section.get("declared") else section)
                partial = Account.from_document(bare).reads_on
                return with_state(bare, state, describe_for(account, cause, step), since=datetime.now(UTC),
                                  partial=partial) if state else bare  # fmt: skip

            self._accounts.update(account, change)
        self.forget(account)

    def _is_new(self, document: Mapping[str, object]) -> bool:
        mark = members(document.get(Connected.key))
        created = str(mark.get("by") or "").startswith(_BY) and str(mark.get("at") or "") >= self._began
        try:
            return created and not Account.from_document(document).meters
        except BadAccount:
            return False


def _is_about(document: Mapping[str, object], given: Declaration) -> bool:
    return str(members(document.get(Declaration.key)).get("pce") or "").strip() == given.pce
