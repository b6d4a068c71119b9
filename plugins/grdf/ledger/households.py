"""The households of one import: what there is of each, and taking it in as every way in does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from grdf.airflow.tasks.run import Run
from grdf.hooks.adict import AdictHook
from grdf.hooks.couchdb import CouchDBHook, Document
from grdf.ledger.meters import Ledger, asking
from grdf.ledger.taking_in import TakingIn
from grdf.quota.terms import HISTORY
from grdf.stores.accounts.account_store import AccountStore
from grdf.stores.consent_records import ConsentRecords
from grdf.stores.removal import Remover
from include.gas.account.connected import declaring
from include.gas.account.declaration import (
    given_by,
    is_refused,
    is_same_holder,
    is_to_declare,
    names_person,
    to_declare,
    waits_for_meter,
    without_person,
)
from include.gas.account.marks import Connected
from include.gas.account.state import with_state
from include.gas.account.status import Status, named_in
from include.gas.days.gas_day import paris_today, utc_text
from include.gas.documents.doctypes import ACCOUNT, AUDIT, CONSENT_RECORD
from include.gas.importing.line_check import BY, DECLARED, RENEWS, WAITS, Line, check_against_account, is_imported
from include.gas.leaving.deletion import all_left
from include.gas.proof.consent_record import new_record
from include.gas.rights.meter_rights import Meter, hold


class Households:
    """Checks and takes in the households of one import.

    :param adict: the hook for one of our clients, which leads to those of the accounts
    :param file: name of the import's file, for the records
    :param run: the run of the import
    """

    def __init__(self, couchdb: CouchDBHook, adict: AdictHook, *, file: str, run: Run) -> None:
        self._couchdb = couchdb
        self._adict = adict
        self._accounts = AccountStore(couchdb)
        self._records = ConsentRecords(couchdb)
        self._ledger = Ledger(couchdb)
        self._file, self._by, self._began = file, f"{BY}{run.asked_by}", utc_text(run.due)

    def checked(self, lines: Sequence[Line]) -> list[Line]:
        """Return lines checked against all that there is."""
        good = [each for each in lines if each.outcome == "to declare"]
        meters = self._ledger.fetch(each.given.pce for each in good)
        good = [replace(each, account=each.account or self._known(each, meters[each.given.pce])) for each in good]
        documents = self._couchdb.fetch(ACCOUNT, {each.account for each in good})
        gone = all_left(self._couchdb.scan(AUDIT))
        done = dict[int, Line]()
        for each in good:
            known, meter, left = documents.get(each.account), meters[each.given.pce], each.account in gone
            who = asking(each.account, "")
            done[each.number] = check_against_account(each, known, meter, who, began=self._began, left=left)
        return [done.get(each.number, each) for each in lines]

    def _known(self, line: Line, meter: Meter) -> str:
        """Return the account of a household for which its line names none: a record knows it; ``""`` if none does.

        One whose right to the meter is over may be that of a former tenant of the same name.
        """
        today = paris_today(datetime.now(UTC))
        for record in self._records.by_meter[meter.pce]:
            is_its = bool(record.account) and is_same_holder(record.entered, line.given)
            if is_its and hold(meter, record.account, today).word not in ("over", "refused"):
                return record.account
        return ""

    def take_in(self, line: Line, document: Document | None, connection: str) -> Line:
        """Make sure that a household has its record, its account and its right. Return the line with what came of it.

        It may have changed since all lines were checked: its turn may come hours later.

        :param line: a line to declare with an account
        :param document: the account's document; ``None`` if there is none
        :param connection: the client of a new account
        :raises FailNow: if it cannot be declared; its account says so, too
        :raises RetryLater: if GRDF or CouchDB does not answer, or it is not our turn; repeating it continues
        """
        given, account = line.given, line.account
        meter = self._ledger.fetch([given.pce])[given.pce]
        line = check_against_account(line, document, meter, asking(account, ""), began=self._began)
        if line.outcome != "to declare":
            return line
        client, known = self._adict.of(document) if document else self._adict.named(connection), document or {}
        # What waits there for GRDF is corrected by the way in that has entered it; what waits for its meter, by any.
        is_free = not is_to_declare(known) or waits_for_meter(known)
        if is_free or (is_imported(known) and given_by(to_declare(known)) != given_by(given)):
            now = datetime.now(UTC)
            mark = Connected(utc_text(now), self._by)
            proof = f"line {line.number} of {self._file}"
            self._records.add(new_record(account, given, now, by=self._by, proof=proof))
            self._accounts.save(account, lambda stored: declaring(stored, account, given, mark, connection=connection))
        taken = TakingIn(self._couchdb, client, account, HISTORY).take_in()
        if waits_for_meter(taken):
            return line.with_outcome("waiting", WAITS)
        day = Status.held(taken)[given.pce].day if names_person(taken) else None
        return line.with_outcome("declared", RENEWS.format(day) if day else DECLARED)

    def forget_refused(self, lines: Iterable[Line]) -> None:
        """Remove the persons, records and accounts that an import has stored for nothing, once it has ended.

        Until then they keep it from asking GRDF again.
        """
        remover, refused = Remover(self._couchdb), {each.account for each in lines if each.outcome == "refused"}
        for account, document in self._couchdb.fetch(ACCOUNT, refused).items():
            if not is_refused(document):
                continue
            for record in self._records.of(account):
                if record.by == self._by and record.given >= self._began:
                    remover.remove(CONSENT_RECORD, record.id)
            if any(held.is_open for held in Status.held(document).values()):
                self._accounts.update(
                    account, lambda stored: self._ledger.settled(with_state(without_person(stored), None))
                )
            elif not (named_in(document, account) or "oauth" in document or self._records.of(account)):
                remover.remove_revisions(ACCOUNT, {account: document["_rev"]})
