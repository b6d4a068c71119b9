"""Removing what was kept for a while: records of households that have left, and what CouchDB keeps of old revisions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from grdf import settings
from grdf.operators.base import GrdfOperator
from include.gas.days.gas_day import paris_today
from include.gas.documents.doctypes import ACCOUNT, CONSENT_RECORD
from include.gas.errors import GasError, RetryLater

if TYPE_CHECKING:
    from airflow.sdk import Context

FILES_KEPT = timedelta(days=30)
"""How long files stay in the folder of the imports: households that nobody imports, results, and what others left."""
OVERDUE = "%d record(s) of consents of deleted accounts were removed, because their time is over."
ORPHANED = "%d record(s) of consents whose account does not exist are kept without its id, or went if overdue."
UNUSED = "%d record(s) of consents on which no right rests are kept without their account's id."
FILES = "%d file(s) of imports were removed that had not changed for 30 days."


class RemoveOverdueOperator(GrdfOperator):
    """Removes the records of consents of deleted accounts once ``[grdf] consent_record_days`` are over.

    It also makes such kept records of those whose account does not exist (``grdf.stores.records.orphaned_records``)
    or on which no right rests (``grdf.stores.records.unused_records``), and removes what is left of imports after 30
    days.

    It also has CouchDB compact accounts and records: until then, it keeps old revisions of them, and with these the
    name and address that a household gave for its right to be declared.
    """

    def perform(self, context: Context) -> int:
        """Run the task.

        :return: how many records were removed
        :raises BadSettings: if the login may not purge
        """
        from grdf.hooks.couch_roles import administrator
        from grdf.proofs.left_files import LeftFiles
        from grdf.staging.imports import Imports
        from grdf.stores.records.consent_records import ConsentRecords
        from grdf.stores.records.orphaned_records import OrphanedRecords
        from grdf.stores.records.unused_records import remove_unused
        from grdf.stores.removal import Remover

        couchdb, days = self.couchdb, settings.consent_record_days()
        now = datetime.now(UTC)
        remover = Remover(administrator(couchdb), wholly=True)
        records, orphans = ConsentRecords(couchdb), OrphanedRecords(couchdb, remover)
        files = Imports(settings.staging_url())
        removed = self._do(
            (lambda: records.remove_overdue(paris_today(now), remover), OVERDUE),
            (lambda: orphans.remove(now, days), ORPHANED),
            (lambda: remove_unused(couchdb, remover, now, days), UNUSED),
            *((partial(remover.forget_revisions, doctype), "") for doctype in (ACCOUNT, CONSENT_RECORD)),
            (lambda: LeftFiles(couchdb, self.staging.proofs).remove(now), ""),
            (lambda: files.remove_old(now - FILES_KEPT), FILES),
        )
        return sum(removed[:3])

    def _do(self, *steps: tuple[Callable[[], int | None], str]) -> list[int]:
        """Take all steps, also if some fail, and return how much each has removed.

        :param steps: each with what to log of that
        :raises Exception: what a step raised: one that may pass by itself if there is any, so that it is tried again
        """
        counts: list[int] = []
        failures: list[Exception] = []
        for step, said in steps:
            try:
                counts.append(step() or 0)
            except Exception as error:  # noqa: BLE001 - whatever it is, the other steps have nothing to do with it
                self.log.error("%s", error if isinstance(error, GasError) else type(error).__name__)
                failures.append(error)
                continue
            if counts[-1] and said:
                self.log.info(said, counts[-1])
        if failures:
            raise next((error for error in failures if isinstance(error, RetryLater)), failures[0])
        return counts
