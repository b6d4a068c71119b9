"""Removing what was kept for a while: records of households that have left, and what CouchDB keeps of old revisions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from grdf import settings
from grdf.operators.base import GrdfOperator
from include.gas.days.gas_day import paris_today
from include.gas.documents.doctypes import ACCOUNT

if TYPE_CHECKING:
    from airflow.sdk import Context


class RemoveOverdueOperator(GrdfOperator):
    """Removes the records of consents of deleted accounts once ``[grdf] consent_record_days`` are over.

    It also removes records whose account does not exist, see ``grdf.stores.orphaned_records``.

    It also has CouchDB compact the accounts: until then, it keeps old revisions of them, and with these the name and
    address that a household gave for its right to be declared.
    """

    def execute(self, context: Context) -> int:
        """Run the task.

        :return: how many records were removed
        :raises BadSettings: if the server can purge, but the login may not
        """
        from grdf.hooks.couch_roles import administrator
        from grdf.stores.consent_records import ConsentRecords
        from grdf.stores.orphaned_records import OrphanedRecords
        from grdf.stores.removal import Remover

        remover, now = Remover(administrator(self.couchdb), wholly=True), datetime.now(UTC)
        removed = ConsentRecords(self.couchdb).remove_overdue(paris_today(now), remover)
        orphans = OrphanedRecords(self.couchdb, remover).remove(now, settings.consent_record_days())
        remover.forget_revisions(ACCOUNT)
        self.log.info("%d record(s) of consents of deleted accounts were removed, because their time is over.", removed)
        if orphans:
            self.log.info("%d record(s) of consents were removed whose account does not exist.", orphans)
        return removed + orphans
