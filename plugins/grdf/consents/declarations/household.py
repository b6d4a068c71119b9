"""Giving one household of an import its account and its right: recorded, declared, and taken back if GRDF refuses."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from grdf import settings
from grdf.consents.declarations.declaring import Declaring
from grdf.consents.owners.former_household import stop_if_another
from grdf.hooks.adict import AdictHook
from grdf.hooks.couchdb import CouchDBHook, Document
from grdf.quota.terms import HISTORY
from grdf.stores.accounts.account_store import TRIES, AccountStore
from grdf.stores.records.consent_records import ConsentRecords
from grdf.stores.removal import Remover
from include.gas.account.account import ACCOUNT_TYPE, Account, stop_if_leaving
from include.gas.account.connected import is_asked
from include.gas.account.declaration_check import given_by, to_declare
from include.gas.account.sections.client import DEFAULT, bound
from include.gas.account.sections.marks import Connected
from include.gas.account.sections.rights.declaration import Declaration, without_person
from include.gas.account.sections.rights.sent_declarations import SentDeclarations
from include.gas.account.sections.section import members, put
from include.gas.account.state import with_state
from include.gas.answers.access_rights import Rights
from include.gas.days.gas_day import paris_today, utc_text
from include.gas.documents.doctypes import ACCOUNT, AUDIT
from include.gas.documents.gas_days import account_range
from include.gas.documents.stored_consent import ConsentRecord
from include.gas.errors import (
    AccountLeaving,
    BadAccount,
    BadRequest,
    ClientUnknown,
    DeclarationRefused,
    FailNow,
    MeterTaken,
    UnknownRefusal,
    describe_for,
)
from include.gas.importing.holdings import Holding
from include.gas.importing.import_records import BY, is_of_import, proof_of
from include.gas.importing.line_check import BEING_DECLARED
from include.gas.leaving.deletion_record import has_left_but, left_before
from include.gas.proof.consent_record import new_record, to_document
from include.gas.proof.record_use import may_rest_on
from include.gas.rights.declared_right import Declared

log = logging.getLogger(__name__)

ABOUT_HOUSEHOLD = (DeclarationRefused, MeterTaken, AccountLeaving, BadAccount, BadRequest, UnknownRefusal)
"""Errors that are about one household, so that the others are declared all the same."""


class DeclaredElsewhere(DeclarationRefused):
    """Another way in is declaring the household's right at this moment, so the import leaves it alone."""


class HouseholdLeft(FailNow):
    """The household was deleted after the import had begun, so it is not declared again."""

    default_step = "If it wants to come back, import it again in a new file."


class Households:
    """Declares the households of one import, one after the other. Each may be repeated at any point.

    :param adict: the hook for one of our clients, which leads to those of the accounts
    :param file: name of the import's file, for the records
    :param asker: who started the import
    :param began: when the import began, UTC text; what was recorded since then is taken into account
    :param deletions: the deletions that there were before, by account, see
        :func:`include.gas.leaving.deletion_record.mark_of`
    :param connection: returns the connection of the client that a new account is to belong to
    """

    def __init__(
        self, couchdb: CouchDBHook, adict: AdictHook, *, file: str, asker: str, began: str,
        deletions: Mapping[str, Collection[str]], connection: Callable[[], str] = lambda: DEFAULT,
    ) -> None:  # fmt: skip
        self._couchdb = couchdb
        self._adict = adict
        self._accounts = AccountStore(couchdb)
        self._records = ConsentRecords(couchdb)
        self._file, self._by, self._began = file, f"{BY}{asker}", began
        self._deletions = deletions
        self._connection = connection

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
        deletions = self._couchdb.range(AUDIT, *account_range(account))
        if has_left_but(deletions, self._deletions.get(account, ())):
            self.forget(account)
            raise HouseholdLeft.about(account, "the household was deleted while the import was in progress")
        document = self._couchdb.get(ACCOUNT, account)
        if document is not None and not is_asked(document, given):
            try:
                stop_if_another(self._couchdb, account, document, given, ask=partial(self._ask, document))
            except ClientUnknown as error:  # nothing was stored for it in this try, but an earlier one may have
                self._forget_refused(account, "", error)
                raise
        known = [record for record in self._recorded(account) if record.pce == given.pce]
        record = self._record(account, number, given, known)
        made = record if all(each.id != record for each in known) else ""

        connection = self._connection() if document is None else DEFAULT

        def asking(document: Document | None) -> Document:
            asks = self._asking(account, document, given, known, record, connection)
            came_back = document is not None and left_before(document, deletions)  # it is told from a restored one
            return Connected(utc_text(datetime.now(UTC)), self._by, record).noted(asks) if came_back else asks

        try:
            client = self._adict.of(self._accounts.save(account, asking))
            return Declaring(self._couchdb, client, account, HISTORY).declare()
        except ABOUT_HOUSEHOLD as error:
            self._take_back(account, given, number, error)
            self._forget_refused(account, made, error)
            raise

    def _ask(self, document: Document, pces: list[str]) -> Rights:
        return self._adict.of(document).listed_rights(pces, account=str(document["_id"]), terms=HISTORY)

    def forget(self, account: str) -> None:
        """Remove what this import has recorded for an account, except what a right rests on or may rest on.

        Copies are kept: the account may not exist, or not know its right, because CouchDB has lost it or has been
        restored from a backup.
        """
        self._remove(account, self._unused(account))

    def _forget_refused(self, account: str, made: str, error: FailNow) -> None:
        """Remove what proves nothing after a refusal. The deletion of an account that is leaving does that itself.

        If GRDF has a right that the account does not know, the account may have lost it, and what was recorded before
        may prove it. What was recorded a moment ago, for a declaration that GRDF has refused, leaves no copy.

        :param made: id of the record that was made for the refused declaration; ``""`` if there was one already
        """
        if isinstance(error, AccountLeaving):
            return
        exists = isinstance(error, DeclarationRefused) and error.reason == DeclarationRefused.EXISTS
        unused = self._unused(account)
        earlier = [] if exists else [record for record in unused if record.id != made]
        self._remove(account, earlier)
        refused = isinstance(error, DeclarationRefused) and not exists
        self._remove(account, [record for record in unused if record.id == made], copy=not refused)

    def _unused(self, account: str) -> list[ConsentRecord]:
        document, now = self._couchdb.get(ACCOUNT, account), datetime.now(UTC)
        return [record for record in self._recorded(account) if not may_rest_on(document, record, now)]

    def _remove(self, account: str, records: Sequence[ConsentRecord], *, copy: bool = True) -> None:
        if copy:
            days, today = settings.consent_record_days(), paris_today(datetime.now(UTC))
            self._records.keep_copies(account, map(to_document, records), today, days)
        for record in records:
            self._records.remove(record)

    def _recorded(self, account: str) -> list[ConsentRecord]:
        records = self._records.of(account)
        return [record for record in records if record.given >= self._began and is_of_import(record, self._file)]

    def _record(self, account: str, number: int, given: Declaration, known: Sequence[ConsentRecord]) -> str:
        """Store the record of the consent, unless an earlier try has done it, and return its id.

        :param known: what this import has recorded for the account's meter
        """
        proof = proof_of(number, self._file)
        new = new_record(account, given, datetime.now(UTC), by=self._by, proof=proof)
        document = self._couchdb.get(ACCOUNT, account)
        same = [record for record in known if (record.entered, record.proof) == (new.entered, proof)]
        if document is None:  # grdf_retention may be about to remove an old one
            same = [record for record in same if record.given > utc_text(datetime.now(UTC) - timedelta(days=1))]
        if not same:
            self._records.add(new)
        for record in known:  # of the file before it was corrected; GRDF may have taken what it said then
            replaced = record.entered == new.entered or not may_rest_on(document, record, datetime.now(UTC))
            if record not in same[:1] and replaced:
                self._remove(account, [record])
        return [*same, new][0].id

    def _asking(
        self, account: str, document: Document | None, given: Declaration, known: Sequence[ConsentRecord], record: str,
        connection: str,
    ) -> Document:  # fmt: skip
        """Return the account's document with the declaration.

        :param known: what this import had recorded for the account's meter before
        :param record: id of the record of the consent
        :param connection: the client that a new account is to belong to
        """
        section: dict[str, Any] = given_by(given) | {"entered_at": utc_text(datetime.now(UTC))}
        if document is None:
            new = bound({"_id": account, "account_type": ACCOUNT_TYPE, Declaration.key: section}, connection)
            return Connected(utc_text(datetime.now(UTC)), self._by, record).noted(new)
        found = Account.from_document(document)
        stop_if_leaving(found)
        pces = {meter.pce for meter in found.meters} | ({to_declare(document).pce} if found.declares else set())
        if pces and given.pce not in pces:
            raise DeclarationRefused.about(
                account,
                "the account was given another meter while the import was in progress",
                "Import the household under another id.",
            )
        if Holding.of(document).is_pending and not any(is_asked(document, _entered_in(each)) for each in known):
            raise DeclaredElsewhere.about(account, BEING_DECLARED)
        if is_asked(document, given):  # by an earlier try
            section |= {key: value for key, value in members(document[Declaration.key]).items() if key == "entered_at"}
        return Connected.with_record(put(document, Declaration.key, section), record)

    def _take_back(self, account: str, given: Declaration, number: int, error: FailNow) -> None:
        """Remove the person again: with the account if this import has created it, else from the account.

        An account stays whose right GRDF may have all the same, so that a deletion can end it.

        The deletion of an account that is leaving looks for the right itself, and needs what is stored for that.
        """
        if isinstance(error, AccountLeaving):
            return
        for _ in range(TRIES):
            document = self._couchdb.get(ACCOUNT, account)
            if document is None or not is_asked(document, given):  # it is another way's by now, or was removed
                break
            if not self._is_new(document) or SentDeclarations.of(document):
                self._accounts.update(account, lambda stored: self._bare(stored, given, number, error))
                break
            if Remover(self._couchdb).remove_revision(ACCOUNT, account, str(document["_rev"])):
                break

    def _bare(self, document: Document, given: Declaration, number: int, error: FailNow) -> Document:
        """Return the account's document without the person, and with what to correct."""
        if not is_asked(document, given):
            return document
        bare = without_person(document)
        partial = Account.from_document(bare).reads_on
        if not error.state:
            return bare
        step = f"Correct line {number} of {self._file} and import it again."
        said = describe_for(str(document["_id"]), error.cause, step)
        return with_state(bare, error.state, said, since=datetime.now(UTC), partial=partial)

    def _is_new(self, document: Mapping[str, object]) -> bool:
        mark = members(document.get(Connected.key))
        created = str(mark.get("by") or "").startswith(BY) and str(mark.get("at") or "") >= self._began
        try:
            return created and not Account.from_document(document).meters
        except BadAccount:
            return False


def _entered_in(record: ConsentRecord) -> Declaration:
    entered = record.entered
    return Declaration(
        pce=record.pce, name=entered.name, company=entered.company, postcode=entered.postcode, email=entered.email,
        phone=entered.phone,
    )  # fmt: skip
