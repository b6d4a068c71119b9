"""The approval: a person other than the one who asked reads the plan of the deletion, and lets it continue."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from msgspec.structs import replace

from grdf import settings
from grdf.airflow.tasks.run import Run
from grdf.operators.deletion.check import CheckDeletionOperator
from include.gas.days.gas_day import utc_text
from include.gas.errors import BadRequest
from include.gas.leaving.deletion_record import noted, with_order

if TYPE_CHECKING:
    from airflow.sdk import Context


class ApproveDeletionOperator(CheckDeletionOperator, ApprovalOperator):
    """Waits for an approval by somebody who has not asked for the deletion. If the asker approves, it asks again.

    The text for the approver is computed here, because the return value of ``check`` can be changed in Airflow, even by
    the asker.

    Question and approval are noted on the record in CouchDB, where the following steps look for them. A task's state
    and return value can be changed in Airflow by anyone who may edit the DAG's runs.
    """

    template_fields: Sequence[str] = ("account_id", "subject")

    def execute(self, context: Context) -> Any:
        """Ask for the approval.

        :raises BadRequest: if Airflow does not say who asked for the deletion, so that the approver cannot be told
            apart from that person
        """
        run = Run.of(context)
        if run.asker is None and not settings.deletion_by_one_person():
            raise BadRequest.about(
                self.account_id,
                "Airflow does not say who asked for its deletion, so nobody can be told apart from that person",
                "Nothing was done. Start the DAG in Airflow's UI or through its API, as a logged-in user.",
            )
        self.stop_unless_asked(run.params)
        plan = self.plan(context)
        self.body = plan.text()
        self.record(partial(with_order, order=self.order(run, plan.rights)))
        return ApprovalOperator.execute(self, context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        """Process the answer. After a rejection the following steps are skipped.

        Whether the plan still holds is for ``mark_leaving`` to see: an approval must outlive a moment without GRDF.

        :param event: the answer, with the user who gave it according to Airflow
        """
        if event.get("chosen_options") == [self.APPROVE]:
            run, now = Run.of(context), datetime.now(UTC)
            approver = str((event.get("responded_by_user") or {}).get("name") or "")
            given = replace(noted(self.entry(), self.order(run)), approved_by=approver, approved_at=utc_text(now))
            if not given.is_approved(now, by_one_person=settings.deletion_by_one_person()):
                self.log.warning(
                    "Account %s: %s asked for its deletion and cannot approve it as well. It waits for somebody else.",
                    self.account_id, approver or "somebody without a name",
                )  # fmt: skip
                return self.execute(context)
            self.record(partial(with_order, order=given))
            self.log.info("Account %s: its deletion is approved by %s.", self.account_id, approver)
        return super().execute_complete(context, event)
