"""Removing what was kept for a while: records of households that have left, and what CouchDB keeps of old revisions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from grdf import settings
from grdf.operators.base import GrdfOperator
from include.gas.days.gas_day import paris_today
from include.gas.documents.doctypes import ACCOUNT, CONSENT_RECORD

if TYPE_CHECKING:
    from airflow.sdk import Context


FILES_KEPT = timedelta(days=30)
"""How long files of an import stay: households that nobody imports, and results."""


class RemoveOverdueOperator(GrdfOperator):
    """Removes the records of consents of deleted accounts once ``[grdf] consent_record_days`` are over.

    It also makes such kept records of those whose account does not exist (``grdf.stores.orphaned_records``) or on which
    no right rests (``grdf.stores.unused_records``), and removes what is left of imports after 30 days.

    It also has CouchDB compact accounts and records: until then, it keeps old revisions of them, and with these the
    name and address that a household gave for its right to be declared.
    """

    def execute(self, context: Context) -> int:
        """Run the task.

        :return: how many records were removed
        :raises BadSettings: if the server can purge, but the login may not
        """
        from grdf.hooks.couch_roles import administrator
        from grdf.proofs.left_files import LeftFiles
        from grdf.staging.imports import Imports
        from grdf.stores.consent_records import ConsentRecords
        from grdf.stores.orphaned_records import OrphanedRecords
        from grdf.stores.removal import Remover
        from grdf.stores.unused_records import remove_unused

        remover, now = Remover(administrator(self.couchdb), wholly=True), datetime.now(UTC)
        removed = ConsentRecords(self.couchdb).remove_overdue(paris_today(now), remover)
        orphans = OrphanedRecords(self.couchdb, remover).remove(now, settings.consent_record_days())
        unused = remove_unused(self.couchdb, remover, now, settings.consent_record_days())
        files = Imports(settings.staging_url(), settings.staging_conn_id()).remove_old(now - FILES_KEPT)
        LeftFiles(self.couchdb, self.staging.proofs).remove(now)
        for doctype in (ACCOUNT, CONSENT_RECORD):
            remover.forget_revisions(doctype)
        self.log.info("%d record(s) of consents of deleted accounts were removed, because their time is over.", removed)
        if orphans:
            self.log.info("%d record(s) of consents whose account does not exist are kept without its id.", orphans)
        if unused:
            self.log.info(
                "%d record(s) of consents on which no right rests are kept without their account's id.", unused
            )
        if files:
            self.log.info("%d file(s) of imports were removed that had not changed for 30 days.", files)
        return removed + orphans + unused
