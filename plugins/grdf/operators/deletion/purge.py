"""The purge: remove what is stored of the household, look whether all is gone, and close the record that proves it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from grdf import settings
from grdf.airflow.tasks.run import Run
from grdf.operators.deletion.step import DeletionOperator
from include.gas.account.declaration import without_person
from include.gas.account.grant import without_grant
from include.gas.account.marks import leaving, without_leaving
from include.gas.account.state import with_state
from include.gas.days.gas_day import paris_today, utc_text
from include.gas.documents.doctypes import ACCOUNT, AUDIT, CONNECT, CONSENT_RECORD, DATA, METER
from include.gas.documents.gas_days import account_range, possible_ids
from include.gas.errors import OAUTH_OUTDATED, StoreBusy
from include.gas.leaving.deletion import forget

if TYPE_CHECKING:
    from airflow.sdk import Context

Document = dict[str, Any]

FIRST_YEAR = 2010
"""No communicating gas meter is older, and neither is any adopted figure."""


class PurgeAccountOperator(DeletionOperator):
    """Removes gas days, totals, staged answers and the account document, or nothing of it if the data are kept.

    A try that was killed is repeated as a whole.
    """

    def perform(self, context: Context) -> dict[str, Any]:
        """Run the task.

        :return: the id of the record of the deletion
        :raises BadRequest: if nobody has approved this run
        :raises StoreBusy: if something is still stored
        """
        from grdf.airflow.airflow_history import remove_history
        from grdf.stores.database_files import DatabaseFiles

        run = Run.of(context)
        for last in self.couchdb.range(AUDIT, *account_range(self.account_id))[-1:]:
            if last["finished_at"] and last["run"] == run.id:  # killed before Airflow learned of it, or cleared later
                return {"account": self.account_id, "record": last["_id"]}
        if self.permitted(run)["keep_data"]:
            if self.couchdb.get(ACCOUNT, self.account_id) is not None:
                self._keep(run)
            history: dict[str, Any] = {}
        else:
            self._remove()
            self._stop_if_left()
            files = DatabaseFiles(self.remover.couchdb)
            for doctype in (*DATA, METER, ACCOUNT):
                files.compact(doctype)
                files.compact_indexes(doctype)
            history = remove_history(self.account_id, this_run=run.id)
        end = {"airflow_history": history, "finished_at": utc_text(datetime.now(UTC))}
        record = self.record(lambda entry: {**self.permitted(run, entry), **end})
        self.log.info(
            "Account %s has left. Asked by %s, approved by %s; consents: %s; removed: %s. Kept as record %s.",
            self.account_id, record["asked_by"], record["approved_by"] or "nobody", record["revoked"] or "none",
            record["removed"] or "nothing", record["_id"],
        )  # fmt: skip
        return {"account": self.account_id, "record": record["_id"]}

    def _remove(self) -> None:
        from grdf.stores.household_links import link_document
        from grdf.stores.records.consent_records import ConsentRecords
        from grdf.stores.removal import find_strays

        document, documents = self.couchdb.get(ACCOUNT, self.account_id), self.documents()
        for doctype, rows in find_strays(self.couchdb, self.account_id).items():
            documents[doctype] |= rows
        found = {doctype: len(rows) for doctype, rows in documents.items()}
        found |= {"staged": self.staging.count(self.account_id), ACCOUNT: int(document is not None)}
        new = {what: number for what, number in found.items() if number}
        # What an earlier try has noted counts: it may have removed some of that.
        record = self.record(lambda entry: {**entry, "removed": new | entry["removed"]})
        days = settings.consent_record_days()
        # Counted from the day on which the deletion began, so that a repeated try makes no second copy.
        begun = paris_today(datetime.fromisoformat(record["begun_at"]))
        own = self.couchdb.range(CONSENT_RECORD, *account_range(self.account_id))
        if kept := ConsentRecords(self.couchdb).keep(own, begun, days):
            self.log.info("Account %s: %d record(s) of its consent are kept for %d days.", self.account_id, kept, days)
        for doctype, rows in documents.items():
            self.remover.remove_revisions(doctype, rows)
        meters = self.meters(document or {})
        self._forget_former({meter.pce for meter in meters})
        for meter in meters:
            if forget(meter, self.account_id).rights:
                self.ledger.apply(meter.pce, partial(forget, account=self.account_id))
            elif meter.rev:
                self.remover.remove_revisions(METER, {meter.pce: meter.rev})
        self.staging.remove_all(self.account_id)
        self.remover.remove(CONNECT, link_document(self.account_id))
        # Last: as long as it is there, whoever asks for the account finds it leaving.
        self.remover.remove(ACCOUNT, self.account_id)

    def _forget_former(self, pces: Collection[str]) -> None:
        """Purge the tombstones of what was removed while the household was here, which no listing shows.

        These are totals without days any more, days of somebody else that were taken back, and periods that GRDF
        replaced.

        :param pces: numbers of the meters that the account has or had
        """
        years = range(FIRST_YEAR, datetime.now(UTC).year + 1)
        for pce in sorted(pces):
            for doctype, ids in possible_ids(self.account_id, pce, years).items():
                self.remover.remove_tombstones(doctype, ids)

    def _stop_if_left(self) -> None:
        """Raise an error if something came while the rest was being removed. The next try removes it, too."""
        left = {doctype: len(rows) for doctype, rows in self.documents().items()} | {
            METER: len(self.ledger.of_account(self.account_id)),
            ACCOUNT: int(self.couchdb.get(ACCOUNT, self.account_id) is not None),
            "staged": self.staging.count(self.account_id),
        }
        if any(left.values()):
            raise StoreBusy.about(
                self.account_id,
                f"some of its data are still stored: {left}",
                "It is tried again automatically. If this continues, start the deletion again.",
            )

    def _keep(self, run: Run) -> None:
        """Take the mark away, and with it what would connect the household anew by itself."""
        now = datetime.now(UTC)
        message = (
            f"The household's consent was revoked at its request on {now:%Y-%m-%d}; its data were kept. It must "
            "connect again to be read again."
        )

        def change(document: Document) -> Document:
            self.permitted(run)
            if leaving(document) is None:  # by a former try, and the household may have come back since
                return document
            kept = without_person(without_grant(without_leaving(document)))
            return with_state(self.ledger.settled(kept), OAUTH_OUTDATED, message, since=now)

        self.accounts.update(self.account_id, change)
