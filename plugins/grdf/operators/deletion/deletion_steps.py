"""Carries a deletion out: marks the account, revokes its rights at GRDF, purges its data, checks the result."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from grdf import settings
from grdf.airflow.tasks.run import Run
from grdf.operators.deletion.step import DeletionOperator
from include.gas.account.declaration import without_person
from include.gas.account.grant import without_grant
from include.gas.account.marks import leaving_asker, leaving_since, with_leaving, without_leaving
from include.gas.days.gas_day import paris_today, utc_text
from include.gas.documents.day_documents import Document, account_range, possible_ids
from include.gas.documents.doctypes import ACCOUNT, AUDIT, CONNECT, CONSENT_RECORD, DATA, METER
from include.gas.errors import BadRequest, StoreBusy
from include.gas.leaving.deletion import FREE_DAY_KEPT, STANDING, begin_deletion
from include.gas.rights.transitions import end_right, remove_rights

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.gas.rights.meter_rights import Meter

FIRST_YEAR = 2010
"""No communicating gas meter and no adopted figure is older."""


class MarkLeavingOperator(DeletionOperator):
    """Begins the deletion on its record, also in place of another run, and marks the account: its DAG stops."""

    def perform(self, context: Context) -> dict[str, Any]:
        """Mark the account; ``BadRequest`` without an approval of this run, ``BadAccount`` if it is gone."""
        run, now = Run.from_context(context), datetime.now(UTC)
        _, document = self.check_request(run)
        if not settings.deletion_needs_approval():
            run.stop_if_cleared("grdf_delete_account")  # an approval is of a run as it was started

        self.change_record(lambda entry: begin_deletion(entry, self.check_permission(run, entry, begins=True), now))
        if document is not None:
            self.accounts.update(self.account_id, partial(with_leaving, by=run.asked_by, since=now))
            self.log.info("Account %s is leaving: its DAG refuses to run from now on.", self.account_id)
        return {"account": self.account_id, "marked": document is not None}


class RevokeRightsOperator(DeletionOperator):
    """Revokes every right in force that the ledger gives to the account, unless another account uses it.

    It waits for tasks that ran when the account was marked: a first launch may bring rights. GRDF is asked first, which
    settles a try without an answer, and rights are recorded before they are revoked. Other rights on the meters are
    recorded as left alone: they may be the present occupants'.
    """

    def perform(self, context: Context) -> dict[str, Any]:
        """Return the revoked ids; ``BadRequest`` without their approval, ``GasError`` if one is still in force."""
        from grdf.hooks.revocation import RevocationHook

        run = Run.from_context(context)
        record = self.note_facts(run)
        self.wait_for_running(context)
        document, now = self.couchdb.get(ACCOUNT, self.account_id) or {}, datetime.now(UTC)
        own, left = self.own_rights(self.query_meters(document))
        # Nothing was read since the household's own withdrawal: the days after it may be the next household's.
        withdrawn_at = leaving_since(document) if leaving_since(document) < record["begun_at"] else ""
        last = paris_today(datetime.fromisoformat(withdrawn_at or utc_text(now)))
        clients = {right.id: right.client for _, right in own if right.state in STANDING}
        if record["approved_by"] and not clients.keys() <= {*record["rights"]}:
            raise BadRequest.about(
                self.account_id,
                "the consents that would be revoked are not those that were approved",
                "Nothing was revoked. Start grdf_delete_account again, for their approval. Until then it is not read.",
            )
        # An error without its connection comes before anything is noted.
        hooks = {client: RevocationHook(client) for client in {*clients.values()}}
        # What an earlier try has noted counts: GRDF may have revoked some of it.
        asked = sorted(({*record["revoked"]} - left.keys()) | clients.keys())
        self.note_facts(run, revoked=asked, left_alone=left)
        for pce, right in own:
            if right.id in clients:
                self.note_facts(run)  # another one may have taken over meanwhile
                hooks[right.client].revoke(right.id, account=self.account_id)
            self.ledger.apply(pce, partial(end_right, right_id=right.id, today=last))
        self.log.info("Account %s: consents revoked at GRDF: %s.", self.account_id, asked or "none")
        if left:
            self.log.warning("Account %s: consents on its meters that stay: %s.", self.account_id, left)
        return {"account": self.account_id, "revoked": asked}


class PurgeAccountOperator(DeletionOperator):
    """Removes gas days, totals, staged answers and the account document, unless the data are kept."""

    def perform(self, context: Context) -> dict[str, Any]:
        """Return the record's id; ``BadRequest`` without an approval, ``StoreBusy`` if something is still stored."""
        from grdf.airflow.history_removal import remove_history
        from grdf.stores.database_files import DatabaseFiles

        run = Run.from_context(context)
        for last in self.couchdb.range(AUDIT, *account_range(self.account_id))[-1:]:
            if last["finished_at"] and last["run"] == run.id:  # killed before Airflow learned of it, or cleared later
                return {"account": self.account_id, "record": last["_id"]}
        record, history = self.note_facts(run), dict[str, Any]()
        if not record["keep_data"]:
            self._remove(run, record)
            self._check_nothing_remains()
            files = DatabaseFiles(self.remover.couchdb)
            for doctype in (*DATA, METER, ACCOUNT):
                files.compact(doctype)
                files.compact_indexes(doctype)
            history = remove_history(self.account_id, this_run=run.id)
        elif self.couchdb.get(ACCOUNT, self.account_id) is not None:
            self._reopen_account(run)
        record = self.note_facts(run, airflow_history=history, finished_at=utc_text(datetime.now(UTC)))
        self.log.info(
            "Account %s has left. Asked by %s, approved by %s; consents: %s; removed: %s. Kept as record %s.",
            self.account_id, record["asked_by"], record["approved_by"] or "no one", record["revoked"] or "none",
            record["removed"] or "nothing", record["_id"],
        )  # fmt: skip
        return {"account": self.account_id, "record": record["_id"]}

    def _remove(self, run: Run, record: Document) -> None:
        from grdf.stores.consent_records import ConsentRecords
        from grdf.stores.household_links import link_document
        from grdf.stores.removal import find_strays

        document, documents = self.couchdb.get(ACCOUNT, self.account_id), self.documents()
        for doctype, rows in find_strays(self.couchdb, self.account_id).items():
            documents[doctype] |= rows
        found = {doctype: len(rows) for doctype, rows in documents.items()}
        found |= {"staged": self.staging.count(self.account_id), ACCOUNT: int(document is not None)}
        # What an earlier try has noted counts: it may have removed some of it.
        self.note_facts(run, removed={what: number for what, number in found.items() if number} | record["removed"])
        days = settings.consent_record_days()
        # From the day on which the deletion began, so that a repeated try makes no second copy.
        begun = paris_today(datetime.fromisoformat(record["begun_at"]))
        own = self.couchdb.range(CONSENT_RECORD, *account_range(self.account_id))
        if kept := ConsentRecords(self.couchdb).keep_copies(own, begun, days):
            self.log.info("Account %s: %d record(s) of its consent are kept for %d days.", self.account_id, kept, days)
        for doctype, rows in documents.items():
            self.remover.remove_revisions(doctype, rows)
        years = range(FIRST_YEAR, datetime.now(UTC).year + 1)
        for meter in self.all_meters(document or {}):
            # No listing shows what was removed earlier, such as totals without days.
            for doctype, ids in possible_ids(self.account_id, meter.pce, years).items():
                self.remover.remove_tombstones(doctype, ids)
            self._remove_rights(run, meter)
        self.staging.remove_all(self.account_id)
        for to_page in (False, True):
            self.remover.remove(CONNECT, link_document(self.account_id, to_page=to_page))
        # Last: until then every reader finds the account leaving.
        self.remover.remove(ACCOUNT, self.account_id)

    def _remove_rights(self, run: Run, meter: Meter) -> None:
        """Remove the account's rights to a meter, and the meter's document with the last right.

        The day from which the meter is free stays: in its document, and under a keyed hash for when that is gone.
        """
        from grdf.stores.free_days import FreeDays

        today, shared = paris_today(datetime.now(UTC)), settings.meter_in_several_accounts()
        event = partial(remove_rights, account=self.account_id, today=today, shared=shared)
        freed = event(meter)
        if freed.free_from:
            # Before the rights go: a try that is killed in between repeats it.
            self.note_facts(run, kept=FREE_DAY_KEPT)
            FreeDays(self.couchdb).note(meter.pce, freed.free_from)
        if freed.rights:
            self.ledger.apply(meter.pce, event)
        elif meter.rev:
            self.remover.remove_revisions(METER, {meter.pce: meter.rev})

    def _check_nothing_remains(self) -> None:
        """Raise an error if something came during the removal. The next try removes it."""
        left = {doctype: len(rows) for doctype, rows in self.documents().items()} | {
            METER: len(self.ledger.meters_of_account(self.account_id)),
            ACCOUNT: int(self.couchdb.get(ACCOUNT, self.account_id) is not None),
            "staged": self.staging.count(self.account_id),
        }
        if any(left.values()):
            raise StoreBusy.about(
                self.account_id,
                f"some of its data are still stored: {left}",
                "It is tried again automatically. If this continues, start the deletion again.",
            )

    def _reopen_account(self, run: Run) -> None:
        """Take the mark away, and with it what would connect the household again."""

        def change(document: Document) -> Document:
            self.note_facts(run)
            if leaving_asker(document) is None:  # by a former try, and the household may have come back since
                return document
            return self.ledger.settle_account(without_person(without_grant(without_leaving(document))))

        self.accounts.update(self.account_id, change)
