"""Removing what was kept for a while: records of households that have left, and what CouchDB keeps of old revisions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from grdf.operators.base import GrdfOperator
from include.gas.days.gas_day import paris_today
from include.gas.documents.doctypes import ACCOUNT

if TYPE_CHECKING:
    from airflow.sdk import Context


class RemoveOverdueOperator(GrdfOperator):
    """Removes the records of consents of deleted accounts once ``[grdf] consent_record_days`` are over.

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
        from grdf.stores.removal import Remover

        remover = Remover(administrator(self.couchdb), wholly=True)
        removed = ConsentRecords(self.couchdb).remove_overdue(paris_today(datetime.now(UTC)), remover)
        remover.forget_revisions(ACCOUNT)
        self.log.info("%d record(s) of consents of deleted accounts were removed, because their time is over.", removed)
        return removed
