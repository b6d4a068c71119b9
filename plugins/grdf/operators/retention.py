"""Removing what was kept for a while: records of households that have left, files, and old revisions in CouchDB."""

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
from include.gas.proof.consent_record import is_needed

if TYPE_CHECKING:
    from airflow.sdk import Context

    from grdf.stores.records.consent_records import ConsentRecords
    from grdf.stores.removal import Remover

FILES_KEPT = timedelta(days=30)
"""How long files stay that have not changed: those of imports, and those for GRDF that no account has."""
OVERDUE = "%d record(s) of consents that were kept without an account were removed, because their time is over."
UNNEEDED = "%d record(s) of consents that no account needs are kept without its id, or went if none are to be kept."
LOST = (
    "No account needs %d record(s) of consents. But the database of the accounts or that of the meters is missing or "
    "empty, and CouchDB may have lost it, so none of them is removed. Restore it from a backup, or start "
    "grdf_adopt_rights, which gives the rights accounts, and these their records."
)
PROOFS = "%d file(s) for GRDF were removed that had not changed for 30 days and whose account does not exist."
IMPORTS = "%d file(s) of imports were removed that had not changed for 30 days."


class RemoveOverdueOperator(GrdfOperator):
    """Removes the records of consents that no account needs any more, keeping a copy without the account's id.

    It removes the copies once ``[grdf] consent_record_days`` are over, and files in ``import/`` and ``proofs/`` that
    nobody uses after 30 days.

    It also has CouchDB compact accounts and records: until then, it keeps old revisions of them, and with these the
    name and address that a household gave for its right to be declared.
    """

    def perform(self, context: Context) -> int:
        """Run the task.

        :return: how many records were removed
        :raises BadSettings: if the login may not purge
        """
        from grdf.staging.imports import Imports
        from grdf.stores.database_files import DatabaseFiles
        from grdf.stores.records.consent_records import ConsentRecords
        from grdf.stores.removal import purger

        now, days = datetime.now(UTC), settings.consent_record_days()
        remover, records = purger(self.couchdb), ConsentRecords(self.couchdb)
        files = DatabaseFiles(remover.couchdb)
        removed = self._do(
            (lambda: records.remove_overdue(paris_today(now), remover), OVERDUE),
            (lambda: self._remove_unneeded(records, now, days, remover), UNNEEDED),
            *((partial(files.compact, doctype), "") for doctype in (ACCOUNT, CONSENT_RECORD)),
            (lambda: self._remove_proofs(now), PROOFS),
            (lambda: Imports(settings.staging_url()).remove_old(now - FILES_KEPT), IMPORTS),
        )
        return sum(removed[:2])

    def _remove_unneeded(self, records: ConsentRecords, now: datetime, days: int, remover: Remover) -> int:
        """Remove the records that no account needs, after copying them as a deletion does.

        If there is no account at all, or no meter, CouchDB may have lost them, and nothing is removed.
        """
        known = list(records.of_accounts())
        meters = self.ledger.fetch(record.pce for _, record in known)
        accounts = self.couchdb.fetch(ACCOUNT, {record.account for _, record in known})
        unneeded = [
            (document, record)
            for document, record in known
            if not is_needed(record, accounts.get(record.account, {}), meters[record.pce], now)
        ]
        if unneeded and not (self.accounts.has_any() and any(self.ledger.every())):
            self.log.warning(LOST, len(unneeded))
            return 0
        for document, record in unneeded:
            records.keep_copies(record.account, [document], paris_today(now), days)
            remover.remove(CONSENT_RECORD, record.id)
        return len(unneeded)

    def _remove_proofs(self, now: datetime) -> int:
        """Remove files for GRDF whose account does not exist: its deletion ran on a worker that did not see them.

        If there is no account at all, CouchDB may have lost them, and the files stay.
        """
        proofs = self.staging.proofs
        names = proofs.unchanged(now - FILES_KEPT)
        known = {str(document["_id"]) for document in self.accounts.every_of_ours()} if names else set()
        return sum(proofs.remove(name) for name in names if known and name not in known)

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
