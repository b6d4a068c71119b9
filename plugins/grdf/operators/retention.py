"""Removes what was kept for a while: records of former households, files, old revisions in CouchDB."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from grdf import settings
from grdf.operators.base import GrdfOperator
from include.gas.days.gas_day import paris_today
from include.gas.documents.doctypes import ACCOUNT, CONSENT_RECORD, METER
from include.gas.proof.consent_record import is_needed, overdue_range

if TYPE_CHECKING:
    from airflow.sdk import Context

    from grdf.stores.removal import Remover

FILES_KEPT = timedelta(days=30)
"""How long unchanged files of imports and failed runs stay."""


class RemoveOverdueOperator(GrdfOperator):
    """Removes overdue records of consents, links and files, see the text of ``grdf_retention``."""

    def perform(self, context: Context) -> int:
        """Return how many records were removed; ``BadSettings`` if the login may not purge."""
        from grdf.stores.database_files import DatabaseFiles
        from grdf.stores.household_links import HouseholdLinks
        from grdf.stores.removal import purger

        now, remover = datetime.now(UTC), purger(self.couchdb)
        removed = remover.remove_range(CONSENT_RECORD, *overdue_range(paris_today(now))) + self._remove_unneeded(
            now, remover
        )
        links, files = HouseholdLinks(self.couchdb).remove_expired(remover), DatabaseFiles(remover.couchdb)
        for doctype in (ACCOUNT, METER, CONSENT_RECORD):
            files.compact(doctype)
        old = self.staging.remove_old(now - FILES_KEPT)
        self.log.info("Removed: %d record(s) of consents, %d expired link(s), %d old file(s).", removed, links, old)
        return removed

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
