"""The households of one import: what exists of each, and taking it in as every way in does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from grdf.airflow.tasks.run import Run
from grdf.hooks.adict import AdictHook
from grdf.hooks.couchdb import CouchDBHook, Document
from grdf.ledger.account_intake import AccountIntake
from grdf.ledger.rights_ledger import Ledger, claimant_now
from grdf.quota.call_terms import HISTORY
from grdf.stores.accounts.account_store import AccountStore
from grdf.stores.consent_records import ConsentRecords
from grdf.stores.removal import Remover
from include.gas.account.connection_documents import document_to_declare
from include.gas.account.declaration import (
    checked_declaration,
    declaration_section,
    has_personal_data,
    is_refused,
    is_same_holder,
    needs_declaration,
    waits_for_meter,
    without_person,
)
from include.gas.account.marks import ConnectedMark
from include.gas.account.state import with_state
from include.gas.account.status import Status, named_meters
from include.gas.days.gas_day import paris_today, utc_text
from include.gas.documents.doctypes import ACCOUNT, AUDIT, CONSENT_RECORD
from include.gas.importing.line_check import BY, DECLARED, RENEWS, WAITS, ImportLine, check_against_account, is_imported
from include.gas.leaving.deletion import left_accounts
from include.gas.proof.consent_record import new_record
from include.gas.rights.meter_rights import Meter, access_to_meter


class HouseholdImport:
    """Checks and takes in the households of one import."""

    def __init__(self, couchdb: CouchDBHook, adict: AdictHook, *, file: str, run: Run) -> None:
        self._couchdb = couchdb
        self._adict = adict
        self._accounts = AccountStore(couchdb)
        self._records = ConsentRecords(couchdb)
        self._ledger = Ledger(couchdb)
        self._file, self._by, self._began = file, f"{BY}{run.asked_by}", utc_text(run.due)

    def check_lines(self, lines: Sequence[ImportLine]) -> list[ImportLine]:
        """Return lines checked against all that exists."""
        good = [each for each in lines if each.outcome == "to declare"]
        meters = self._ledger.fetch_meters(each.given.pce for each in good)
        good = [
            replace(each, account=each.account or self._recorded_account(each, meters[each.given.pce])) for each in good
        ]
        documents = self._couchdb.fetch(ACCOUNT, {each.account for each in good})
        gone = left_accounts(self._couchdb.scan(AUDIT))
        done = dict[int, ImportLine]()
        for each in good:
            known, meter, left = documents.get(each.account), meters[each.given.pce], each.account in gone
            who = claimant_now(each.account, "")
            done[each.number] = check_against_account(each, known, meter, who, began=self._began, left=left)
        return [done.get(each.number, each) for each in lines]

    def _recorded_account(self, line: ImportLine, meter: Meter) -> str:
        """Return the account of a line without one, by the records, or ``""``.

        If its right is over, it may be a former tenant's of the same name.
        """
        today = paris_today(datetime.now(UTC))
        for record in self._records.by_meter[meter.pce]:
            is_its = bool(record.account) and is_same_holder(record.entered, line.given)
            if is_its and access_to_meter(meter, record.account, today).word not in ("over", "refused"):
                return record.account
        return ""

    def import_household(self, line: ImportLine, document: Document | None, connection: str) -> ImportLine:
        """Make sure that a household has its record, account and right, and return the line with its outcome.

        :raises FailNow: if it cannot be declared; its account has the error, too
        :raises RetryLater: if GRDF or CouchDB does not answer, or it is not our turn; repeating it continues
        """
        given, account = line.given, line.account
        meter = self._ledger.fetch_meters([given.pce])[given.pce]
        line = check_against_account(line, document, meter, claimant_now(account, ""), began=self._began)
        if line.outcome != "to declare":
            return line
        client, known = (
            self._adict.for_account(document) if document else self._adict.for_connection(connection),
            document or {},
        )
        # A declaration that waits for GRDF is corrected by the way in that entered it, one that waits for its meter by
        # any.
        is_free = not needs_declaration(known) or waits_for_meter(known)
        if is_free or (
            is_imported(known) and declaration_section(checked_declaration(known)) != declaration_section(given)
        ):
            now = datetime.now(UTC)
            mark = ConnectedMark(utc_text(now), self._by)
            proof = f"line {line.number} of {self._file}"
            self._records.add(new_record(account, given, now, by=self._by, proof=proof))
            self._accounts.save(
                account, lambda stored: document_to_declare(stored, account, given, mark, connection=connection)
            )
        taken = AccountIntake(self._couchdb, client, account, HISTORY).process_account()
        if waits_for_meter(taken):
            return line.with_outcome("waiting", WAITS)
        day = Status.access_of(taken)[given.pce].day if has_personal_data(taken) else None
        return line.with_outcome("declared", RENEWS.format(day) if day else DECLARED)

    def forget_refused(self, lines: Iterable[ImportLine]) -> None:
        """Remove, after an import, data and accounts stored for nothing. Until then they prevent new calls."""
        remover, refused = Remover(self._couchdb), {each.account for each in lines if each.outcome == "refused"}
        for account, document in self._couchdb.fetch(ACCOUNT, refused).items():
            if not is_refused(document):
                continue
            for record in self._records.records_of(account):
                if record.by == self._by and record.given >= self._began:
                    remover.remove(CONSENT_RECORD, record.id)
            if any(access.is_open for access in Status.access_of(document).values()):
                self._accounts.update(
                    account, lambda stored: self._ledger.settle_account(with_state(without_person(stored), None))
                )
            elif not (named_meters(document, account) or "oauth" in document or self._records.records_of(account)):
                remover.remove_revisions(ACCOUNT, {account: document["_rev"]})
