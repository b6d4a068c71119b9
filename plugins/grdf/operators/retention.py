"""Removing what was kept for a while: records of households that have left, files, and old revisions in CouchDB."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from grdf import settings
from grdf.operators.base import GrdfOperator
from include.gas.days.gas_day import paris_today
from include.gas.documents.doctypes import ACCOUNT, CONSENT_RECORD, METER
from include.gas.errors import GasError, RetryLater
from include.gas.proof.consent_record import is_needed, overdue

if TYPE_CHECKING:
    from airflow.sdk import Context

    from grdf.stores.records.consent_records import ConsentRecords
    from grdf.stores.removal import Remover

FILES_KEPT = timedelta(days=30)
"""How long files stay that have not changed: of imports, of failed runs, and for GRDF if no account has them."""


class RemoveOverdueOperator(GrdfOperator):
    """Removes the records of consents that no account needs any more, keeping a copy without the account's id.

    It removes the copies once ``[grdf] consent_record_days`` are over, files in the staging store that nobody
    uses after 30 days, and links of households that have expired.

    It also has CouchDB compact accounts, meters and records: until then, it keeps old revisions of them, and with these
    the name and address that a household gave for its right to be declared, and who has left.
    """

    def perform(self, context: Context) -> int:
        """Run the task.

        :return: how many records were removed
        :raises BadSettings: if the login may not purge
        """
        from grdf.stores.database_files import DatabaseFiles
        from grdf.stores.household_links import HouseholdLinks
        from grdf.stores.records.consent_records import ConsentRecords
        from grdf.stores.removal import purger

        now, days = datetime.now(UTC), settings.consent_record_days()
        remover, records = purger(self.couchdb), ConsentRecords(self.couchdb)
        files = DatabaseFiles(remover.couchdb)
        steps: dict[str, Callable[[], int | None]] = {
            "records whose time is over": lambda: remover.remove_range(CONSENT_RECORD, *overdue(paris_today(now))),
            "records that no account needs": lambda: self._remove_unneeded(records, now, days, remover),
            "links that have expired": lambda: HouseholdLinks(self.couchdb).remove_expired(remover),
            "files for GRDF": lambda: self._remove_proofs(now),
            "files of imports and failed runs": lambda: self.staging.remove_old(now - FILES_KEPT),
            **{f"old revisions of {each}": partial(files.compact, each) for each in (ACCOUNT, METER, CONSENT_RECORD)},
        }
        removed, failures = dict[str, int](), list[Exception]()
        for what, step in steps.items():
            try:
                removed[what] = step() or 0
            except Exception as error:  # noqa: BLE001 - whatever it is, the other steps have nothing to do with it
                self.log.error("%s: %s", what, error if isinstance(error, GasError) else type(error).__name__)
                failures.append(error)
        self.log.info("Removed: %s.", {what: number for what, number in removed.items() if number})
        if failures:  # one that may pass by itself if there is any, so that it is tried again
            raise next((error for error in failures if isinstance(error, RetryLater)), failures[0])
        return removed["records whose time is over"] + removed["records that no account needs"]

    def _remove_unneeded(self, records: ConsentRecords, now: datetime, days: int, remover: Remover) -> int:
        """Remove the records that no account needs, copying them as a deletion does; none if the ledger is lost."""
        known = list(records.of_accounts())
        meters = self.ledger.fetch(record.pce for _, record in known)
        unneeded = [document for document, record in known if not is_needed(record, meters[record.pce], now)]
        if not any(self.ledger.every()):
            return 0
        records.keep(unneeded, paris_today(now), days)
        for document in unneeded:
            remover.remove(CONSENT_RECORD, document["_id"])
        return len(unneeded)

    def _remove_proofs(self, now: datetime) -> int:
        """Remove files for GRDF whose account does not exist: its deletion ran on a worker that did not see them."""
        names = self.staging.old_proofs(now - FILES_KEPT)
        known = self.couchdb.fetch(ACCOUNT, names)
        return sum(self.staging.proofs(name).remove_all() for name in names if name not in known)
