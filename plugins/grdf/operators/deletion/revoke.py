"""The beginning: mark the account as leaving, and end every consent at GRDF, with the secret that nothing else uses."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from grdf import settings
from grdf.airflow.tasks.run import Run
from grdf.operators.deletion.step import DeletionOperator
from include.gas.account.marks import with_leaving
from include.gas.days.gas_day import paris_today
from include.gas.documents.doctypes import ACCOUNT
from include.gas.errors import BadRequest
from include.gas.leaving.deletion import ASKED, REVOKED, STANDING, begun
from include.gas.rights.transitions import ended

if TYPE_CHECKING:
    from airflow.sdk import Context


class MarkLeavingOperator(DeletionOperator):
    """Begins the deletion on its record, and marks the account: its DAG refuses to run, and is no longer listed.

    If another run carries out the deletion, this one takes over, and the next step of that one stops.
    """

    def perform(self, context: Context) -> dict[str, Any]:
        """Run the task.

        :raises BadRequest: if nobody has approved this run
        :raises BadAccount: if another deletion has removed the account in the meantime
        """
        run, now = Run.of(context), datetime.now(UTC)
        _, document = self.checked(run)
        if not settings.deletion_needs_approval():
            run.stop_if_cleared("grdf_delete_account")  # an approval is of a run as it was started

        self.record(lambda entry: begun(entry, self.permitted_order(run, entry), now))
        if document is not None:
            self.accounts.update(self.account_id, partial(with_leaving, by=run.asked_by, since=now))
            self.log.info("Account %s is leaving: its DAG refuses to run from now on.", self.account_id)
        return {"account": self.account_id, "marked": document is not None}


class RevokeConsentsOperator(DeletionOperator):
    """Revokes every right in force that the ledger gives to the account, and none that another account uses.

    It waits for tasks of the account's DAG that were running when the account was marked, as a first launch may be
    bringing its rights; tasks that start later refuse to run. GRDF is asked for the rights first, so a try whose answer
    was lost is settled by the next one. The rights are recorded before any is revoked and again afterwards, so that no
    revocation is missing from the record, wherever the task is interrupted. Other rights on the meters are recorded as
    left alone, because they may belong to the present occupants.
    """

    def perform(self, context: Context) -> dict[str, Any]:
        """Run the task.

        :return: GRDF's ids of the rights, each with its outcome
        :raises BadRequest: if nobody has approved this run, or not the revocation of these rights
        :raises GasError: if a right is still in force
        """
        from grdf.hooks.revocation import RevocationHook

        run = Run.of(context)
        record = self.permitted(run)
        self.wait_for_running(context)
        own, left = self.own_rights(self.asked_meters(self.couchdb.get(ACCOUNT, self.account_id) or {}))
        standing = [(pce, right) for pce, right in own if right.state in STANDING]
        asked = {right.id: ASKED for _, right in standing}
        if record["approved_by"] and not asked.keys() <= {*record["rights"]}:
            raise BadRequest.about(
                self.account_id,
                "the consents that would be revoked are not those that were approved",
                "Nothing was revoked. Start grdf_delete_account again, for their approval. Until then it is not read.",
            )
        # An error without its connection comes before anything is noted.
        hooks = {client: RevocationHook(client) for client in {right.client for _, right in standing}}
        record = self.record(
            lambda entry: self.permitted(run, entry) | {"revoked": entry["revoked"] | asked, "left_alone": left}
        )
        for pce, right in standing:
            self.permitted(run)  # another one may have taken over meanwhile
            hooks[right.client].revoke(right.id, account=self.account_id)
            self.ledger.apply(pce, partial(ended, right_id=right.id, today=paris_today(datetime.now(UTC))))
        done = {right: REVOKED for right in record["revoked"] if right not in left}
        record = self.record(lambda entry: self.permitted(run, entry) | {"revoked": done})
        self.log.info("Account %s: consents revoked at GRDF: %s.", self.account_id, [*record["revoked"]] or "none")
        if left:
            self.log.warning("Account %s: consents on its meters that stay: %s.", self.account_id, left)
        return {"account": self.account_id, "revoked": record["revoked"]}
