"""The approval: a person other than the one who asked reads the plan of the deletion, and lets it continue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import ApprovalOperator

from grdf import settings
from grdf.airflow.tasks.run import Run
from grdf.operators.deletion.check import CheckDeletionOperator
from grdf.operators.deletion.step import order
from include.gas.documents.doctypes import AUDIT
from include.gas.errors import BadRequest, StoreBusy
from include.gas.leaving.approval import approval, approval_id, may_approve

if TYPE_CHECKING:
    from airflow.sdk import Context


class ApproveDeletionOperator(CheckDeletionOperator, ApprovalOperator):
    """Waits for an approval by somebody who has not asked for the deletion. If the asker approves, it asks again.

    The text for the approver is computed here, because the return value of ``check`` can be changed in Airflow, even by
    the asker.

    The approval is recorded in CouchDB, where the following steps look for it. A task's state and return value can be
    changed in Airflow by anyone who may edit the DAG's runs.
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
        self.stop_unless_asked(run)
        plan = self.plan(context)
        self.body = plan.text()
        self._note(run, plan.digest())
        return ApprovalOperator.execute(self, context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        """Process the answer. After a rejection the following steps are skipped.

        Whether the plan still holds is for ``mark_leaving`` to see: an approval must outlive a moment without GRDF.

        :param event: the answer, with the user who gave it according to Airflow
        """
        run, approver = Run.of(context), _name(event.get("responded_by_user"))
        if event.get("chosen_options") != [self.APPROVE]:
            self.forget_approval(run)
        elif not may_approve(run.asker, approver, by_one_person=settings.deletion_by_one_person()):
            self.log.warning(
                "Account %s: %s asked for its deletion and cannot approve it as well. It waits for somebody else.",
                self.account_id, approver or "somebody without a name",
            )  # fmt: skip
            return self.execute(context)
        else:
            asked = self.couchdb.get(AUDIT, approval_id(self.account_id, run.id)) or {}
            self._note(run, asked.get("plan", ""), approver, event.get("responded_at") or datetime.now(UTC))
            self.log.info("Account %s: its deletion is approved by %s.", self.account_id, approver)
        return super().execute_complete(context, event)

    def _note(self, run: Run, plan: str, approver: str | None = None, at: datetime | None = None) -> None:
        for _ in range(10):
            entry = approval(self.account_id, order(run), plan=plan, by=approver, at=at)
            if found := self.couchdb.get(AUDIT, entry["_id"]):
                entry["_rev"] = found["_rev"]
            if self.couchdb.put(AUDIT, entry):
                return
        raise StoreBusy.about(self.account_id, "others changed its approval ten times in a row")


def _name(user: object) -> str | None:
    name = user.get("name") if isinstance(user, Mapping) else None
    return str(name) if name else None
