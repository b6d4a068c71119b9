"""Removes what was kept for a while: days, records of former households, files, old revisions in CouchDB."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from grdf import settings
from grdf.airflow.tasks.run import Run
from grdf.meters.answer_storage import without_days_before
from grdf.operators.base import GrdfOperator
from include.gas.days.gas_day import ONE_DAY, paris_today
from include.gas.days.windows import HISTORY_YEARS, MARGIN, first_kept_day
from include.gas.documents.day_documents import account_range, day_id
from include.gas.documents.doctypes import ACCOUNT, AUDIT, CONSENT_RECORD, DAY, METER
from include.gas.household_copy.words import COPY_DAYS
from include.gas.proof.consent_record import is_needed, overdue_range

if TYPE_CHECKING:
    from airflow.sdk import Context

    from grdf.stores.removal import Remover

FILES_KEPT = timedelta(days=30)
"""How long unchanged files of imports and failed runs stay."""


class RemoveOverdueOperator(GrdfOperator):
    """Removes overdue days, records of consents, links and files, see the text of ``grdf_retention``."""

    def perform(self, context: Context) -> int:
        """Return how many days and records were removed, or in a dry run how many days would be.

        :raises BadSettings: if the login may not purge; files are removed all the same
        """
        now, dry_run = datetime.now(UTC), Run.from_context(context).params["dry_run"]
        try:
            return self._remove_documents(now, dry_run=dry_run)
        finally:
            if not dry_run:
                old = self.staging.remove_old(now - FILES_KEPT)
                old += self.staging.remove_old_copies(now - timedelta(COPY_DAYS))
                self.log.info("Removed: %d old file(s).", old)

    def _remove_documents(self, now: datetime, *, dry_run: bool) -> int:
        from grdf.stores.database_files import DatabaseFiles
        from grdf.stores.free_days import FreeDays
        from grdf.stores.household_links import HouseholdLinks
        from grdf.stores.removal import purger

        remover, days, years = purger(self.couchdb), 0, settings.days_kept_years()
        if dry_run and years == settings.KEEP_ALL:  # it is set after a dry run
            years = HISTORY_YEARS
        if years < settings.KEEP_ALL:
            # A load that began before New Year, or on a machine whose clock is slow, still sums the year that closes.
            first = first_kept_day(paris_today(now) - MARGIN, years)
            days = self._remove_days(remover, first, now, dry_run=dry_run)
        if dry_run:
            self.log.info("Dry run: nothing was removed.")
            return days
        removed = remover.remove_range(CONSENT_RECORD, *overdue_range(paris_today(now))) + self._remove_unneeded(
            now, remover
        )
        links, files = HouseholdLinks(self.couchdb).remove_expired(remover), DatabaseFiles(remover.couchdb)
        free_days = FreeDays(self.couchdb).remove_unneeded(remover, paris_today(now))
        self._remove_empty_meters(remover)
        for doctype in (ACCOUNT, METER, CONSENT_RECORD):
            files.compact(doctype)
        self.log.info(
            "Removed: %d record(s) of consents, %d expired link(s), %d first free day(s) of meters.",
            removed, links, free_days,
        )  # fmt: skip
        return days + removed

    def _remove_days(self, remover: Remover, first: date, now: datetime, *, dry_run: bool) -> int:
        """Remove the gas days before the first one to keep, and return their number. Months and years stay."""
        from grdf.stores.database_files import DatabaseFiles

        removed, key = Counter[str](), f"~days:{paris_today(now)}"
        record = self.couchdb.get(AUDIT, key) or {"_id": key, "before": str(first), "removed": {DAY: 0}}
        owners = {(right.account, meter.pce) for meter in self.ledger.all_meters() for right in meter.rights}
        for account, pce in sorted(owner for owner in owners if owner[0]):
            start, _ = account_range(account, pce)
            rows = remover.revisions(DAY, start, day_id(account, pce, first - ONE_DAY))
            removed[account] += len(rows)
            if rows and not dry_run:
                # First: what is said to be stored must be there if this stops in between, and is then repeated.
                if self.couchdb.get(ACCOUNT, account):
                    self.accounts.update(account, partial(without_days_before, first, pce=pce))
                record["removed"][DAY] += remover.remove_revisions(DAY, rows)
                record["_rev"] = self.couchdb.put(AUDIT, record)
        removed = +removed
        what = "would be removed" if dry_run else "were removed"
        self.log.info("%d gas days of %d accounts before %s %s.", removed.total(), len(removed), first, what)
        if removed and not dry_run:
            files = DatabaseFiles(remover.couchdb)
            files.compact(DAY)
            files.compact_indexes(DAY)
        return removed.total()

    def _remove_empty_meters(self, remover: Remover) -> None:
        """Remove meters without any right, as after an unclaimed one has ended: their numbers would stay for good."""
        for meter in self.ledger.all_meters():
            if not meter.rights:
                remover.remove_revisions(METER, {meter.pce: meter.rev})

    def _remove_unneeded(self, now: datetime, remover: Remover) -> int:
        """Remove the records that no account needs, with copies as at a deletion; none if the ledger is lost."""
        from grdf.stores.consent_records import ConsentRecords

        records = ConsentRecords(self.couchdb)
        known = [(document, record) for document, record in records.all_records() if record.account]
        meters = self.ledger.fetch_meters(record.entered.pce for _, record in known)
        unneeded = [document for document, record in known if not is_needed(record, meters[record.entered.pce], now)]
        if not any(self.ledger.all_meters()):
            return 0
        records.keep_copies(unneeded, paris_today(now), settings.consent_record_days())
        for document in unneeded:
            remover.remove(CONSENT_RECORD, document["_id"])
        return len(unneeded)
