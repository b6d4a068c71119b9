"""The mark: from here on no task reads the account or stores data for it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from grdf.airflow.tasks.run import Run
from grdf.operators.deletion.check import CheckDeletionOperator
from grdf.operators.deletion.step import holds_now, stop_if_other
from include.gas.account.sections.client import GrdfClient
from include.gas.account.sections.marks import leaving, with_leaving
from include.gas.documents.doctypes import AUDIT
from include.gas.errors import BadAccount, BadRequest
from include.gas.leaving.approval import approval_id, with_approval
from include.gas.leaving.deletion_record import last_taker, taken_up

if TYPE_CHECKING:
    from airflow.sdk import Context

Document = dict[str, Any]


class MarkLeavingOperator(CheckDeletionOperator):
    """Marks the account as leaving. Its DAG then refuses to run, and is no longer listed.

    If two deletions start at once, CouchDB accepts the mark of one; the other finds it and stops.
    """

    def perform(self, context: Context) -> dict[str, Any]:
        """Run the task.

        :raises BadRequest: if another deletion of the account is in progress, or nobody has approved this one
        :raises BadAccount: if another deletion has removed the account in the meantime
        :raises RetryLater: if GRDF cannot be asked whether what was approved still holds; the approval stays
        """
        run = Run.of(context)
        self.stop_unless_asked(run)
        record = self.known_record(run)
        if record:
            self.stop_if_over(record)
        given = self._approval(run, record)
        document = self.document()
        try:
            if document is None:
                if record is None:
                    raise BadAccount.about(
                        self.account_id,
                        "the account no longer exists: another deletion has removed it in the meantime",
                        "This run did nothing, and nothing is left to do.",
                    )
                stop_if_other(context, self.account_id, last_taker(record))
            elif given is not None and given["plan"] != self.plan(context, strictly=True).digest():
                raise BadRequest.about(
                    self.account_id,
                    "the consents that would be revoked are not those that were approved",
                    "Nothing was done. Start grdf_delete_account again.",
                )
            if document is not None:
                document = self._mark(context, run)
        except (BadAccount, BadRequest):
            self.forget_approval(run)
            raise
        # After the mark, so that a deletion that came too late leaves no record behind.
        self._take_up(run, given, document or {})
        return {"account": self.account_id, "marked": document is not None}

    def _approval(self, run: Run, record: Document | None) -> Document | None:
        """Return the approval for this run, or ``None`` if the record already contains it or none is needed.

        :raises BadRequest: if nobody has approved
        """
        given = self.couchdb.get(AUDIT, approval_id(self.account_id, run.id))
        if given is None or not holds_now(run, given):
            self.stop_unless_approved(run, *(record or {}).get("approvals", []))
            return None
        return given

    def _mark(self, context: Context, run: Run) -> Document:
        from grdf.stores.household_links import HouseholdLinks

        now, keep_data = datetime.now(UTC), bool(run.params["keep_data"])

        def mark(document: Document) -> Document:
            stop_if_other(context, self.account_id, leaving(document))
            return with_leaving(document, run=run.id, by=run.asked_by, since=now, keep_data=keep_data)

        document = self.accounts.update(self.account_id, mark)
        if HouseholdLinks(self.couchdb).take_back(self.account_id):
            self.log.info("Account %s: the link of its household is void from now on.", self.account_id)
        self.log.info("Account %s is leaving: its DAG refuses to run from now on.", self.account_id)
        return document

    def _take_up(self, run: Run, given: Document | None, document: Document) -> None:
        """Note on the record that this run carries out the deletion, and for which client's account."""
        now, keep_data = datetime.now(UTC), bool(run.params["keep_data"])
        whose = {key: value for key, value in document.items() if key == GrdfClient.key}

        def change(entry: Document) -> Document:
            taken = taken_up({**entry, **whose}, run.id, by=run.asked_by, at=now, keep_data=keep_data)
            return with_approval(taken, given)

        self.record(run, change)
        if given is not None:
            self.forget_approval(run)
