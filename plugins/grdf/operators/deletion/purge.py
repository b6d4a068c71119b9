"""The purge: remove what is stored of the household, the account itself last."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from grdf import settings
from grdf.airflow.tasks.run import Run
from grdf.operators.deletion.step import DeletionOperator
from include.gas.account.grant import without_grant
from include.gas.account.sections.marks import without_leaving
from include.gas.account.sections.rights.declaration import without_person
from include.gas.account.state import with_state
from include.gas.days.gas_day import paris_today
from include.gas.documents.doctypes import ACCOUNT, CONNECT, CONSENT_RECORD
from include.gas.documents.gas_days import account_range, possible_ids
from include.gas.errors import OAUTH_OUTDATED
from include.gas.leaving.deletion_record import with_removed

if TYPE_CHECKING:
    from airflow.sdk import Context

FIRST_YEAR = 2010
"""No communicating gas meter is older, and neither is any adopted figure."""


class PurgeAccountOperator(DeletionOperator):
    """Removes gas days, totals, staged answers and the account document, or nothing of it if the data are kept."""

    def perform(self, context: Context) -> dict[str, Any]:
        """Run the task.

        :return: how many documents of each doctype and staged files there were to remove
        :raises BadRequest: if nobody has approved this run
        """
        from grdf.stores.household_links import link_document
        from grdf.stores.records.consent_records import ConsentRecords

        run = Run.of(context)
        record = self.permitted(run)
        document = self.couchdb.get(ACCOUNT, self.account_id)
        if record["keep_data"]:
            if document is not None:
                self._keep()
            return {"account": self.account_id, "removed": {}}
        documents = self.everything()
        removed = {doctype: len(rows) for doctype, rows in documents.items()}
        removed |= {"staged": self.staging.count(self.account_id), ACCOUNT: int(document is not None)}
        self.record(partial(with_removed, found=removed))
        days = settings.consent_record_days()
        # Counted from the day on which the deletion began, so that a repeated try makes no second copy.
        begun = paris_today(datetime.fromisoformat(record["begun_at"]))
        own = self.couchdb.range(CONSENT_RECORD, *account_range(self.account_id))
        if kept := ConsentRecords(self.couchdb).keep(own, begun, days):
            self.log.info("Account %s: %d record(s) of its consent are kept for %d days.", self.account_id, kept, days)
        for doctype, rows in documents.items():
            self.remover.remove_revisions(doctype, rows)
        meters = self.meters(document or {})
        self.forget_former({meter.pce for meter in meters})
        self.leave_meters(meters)
        self.staging.remove_all(self.account_id)
        self.remover.remove(CONNECT, link_document(self.account_id))
        # Last: as long as it is there, whoever asks for the account finds it leaving.
        self.remover.remove(ACCOUNT, self.account_id)
        self.log.info("Account %s: removed %s.", self.account_id, removed)
        return {"account": self.account_id, "removed": removed}

    def forget_former(self, pces: Collection[str]) -> None:
        """Purge the tombstones of what was removed while the household was here, which no listing shows.

        These are totals without days any more, days of somebody else that were taken back, and periods that GRDF
        replaced.

        :param pces: numbers of the meters that the account has or had
        """
        years = range(FIRST_YEAR, datetime.now(UTC).year + 1)
        for pce in sorted(pces):
            for doctype, ids in possible_ids(self.account_id, pce, years).items():
                self.remover.remove_tombstones(doctype, ids)

    def _keep(self) -> None:
        """Take the mark away, and with it what would connect the household anew by itself."""
        from grdf.ledger.taking_in import settled

        now = datetime.now(UTC)
        message = (
            f"The household's consent was revoked at its request on {now:%Y-%m-%d}; its data were kept. It must "
            "connect again to be read again."
        )

        def change(document: dict[str, Any]) -> dict[str, Any]:
            kept = without_person(without_grant(without_leaving(document), token=True))
            return with_state(settled(self.ledger, kept), OAUTH_OUTDATED, message, since=now)

        self.accounts.update(self.account_id, change)
        self.log.info("Account %s: its data are kept, as requested.", self.account_id)
