"""The mark: from here on no task reads the account or stores data for it."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from grdf import settings
from grdf.airflow.tasks.run import Run
from grdf.operators.deletion.check import CheckDeletionOperator
from include.gas.account.sections.marks import with_leaving
from include.gas.errors import BadRequest
from include.gas.leaving.deletion_record import begun, noted

if TYPE_CHECKING:
    from airflow.sdk import Context

Document = dict[str, Any]


class MarkLeavingOperator(CheckDeletionOperator):
    """Begins the deletion on its record, and marks the account: its DAG refuses to run, and is no longer listed.

    If two deletions begin at once, CouchDB accepts the record of one; the other finds it and stops.
    """

    def perform(self, context: Context) -> dict[str, Any]:
        """Run the task.

        :raises BadRequest: if another deletion of the account is in progress, or nobody has approved this one
        :raises BadAccount: if another deletion has removed the account in the meantime
        :raises RetryLater: if GRDF cannot be asked whether what was approved still holds; the approval stays
        """
        run, now = Run.of(context), datetime.now(UTC)
        self.stop_unless_asked(run.params)
        if not settings.deletion_needs_approval():
            run.stop_if_cleared("grdf_delete_account")  # an approval is of a run as it was started
        plan = self.plan(context, strictly=True)

        def begin(entry: Document) -> Document:
            self.stop_if_other(context, entry)
            order = noted(entry, self.order(run))
            self.stop_unless_approved(order)
            if order.approved_by and order.rights != sorted(plan.rights):
                raise BadRequest.about(
                    self.account_id,
                    "the consents that would be revoked are not those that were approved",
                    "Nothing was done. Start grdf_delete_account again.",
                )
            return begun(entry, order, now)

        self.record(begin)
        if not plan.gone:
            self.accounts.update(self.account_id, partial(with_leaving, by=run.asked_by, since=now))
            self.log.info("Account %s is leaving: its DAG refuses to run from now on.", self.account_id)
        return {"account": self.account_id, "marked": not plan.gone}
