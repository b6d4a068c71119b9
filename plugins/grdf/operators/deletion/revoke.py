"""The revocation: end every consent at GRDF, with the secret that nothing else uses."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from grdf.airflow.tasks.run import Run
from grdf.operators.deletion.step import DeletionOperator
from include.gas.days.gas_day import paris_today
from include.gas.documents.doctypes import ACCOUNT
from include.gas.leaving.deletion_plan import STANDING
from include.gas.leaving.deletion_record import with_asked, with_over
from include.gas.rights.transitions import ended

if TYPE_CHECKING:
    from airflow.sdk import Context


class RevokeConsentsOperator(DeletionOperator):
    """Revokes every right that the ledger gives to the account, on every meter, and none that another account uses.

    It waits for tasks of the account's DAG that were running when the account was marked, as a first launch may be
    bringing its rights; tasks that start later refuse to run. GRDF is asked for the rights first, so a try whose answer
    was lost is settled by the next one. Other rights on the meters are recorded as left alone, because they may belong
    to the present occupants. Each right is recorded before it is revoked and again afterwards, so that no revocation is
    missing from the record, wherever the task is interrupted.
    """

    def perform(self, context: Context) -> dict[str, Any]:
        """Run the task.

        :return: GRDF's ids of the rights, each with its outcome
        :raises BadRequest: if nobody has approved this run
        :raises GasError: if a right is still in force
        """
        from grdf.hooks.revocation import RevocationHook

        run = Run.of(context)
        self.permitted(run)
        self.wait_for_running(context)
        own, left = self.own_rights(self.look(self.couchdb.get(ACCOUNT, self.account_id) or {}))
        for right_id, why in left.items():
            self.log.warning("Account %s: consent %s on its meter stays: %s.", self.account_id, right_id, why)
        record = self.record(lambda entry: {**entry, "left_alone": {**entry["left_alone"], **left}})
        hook = cache(RevocationHook)
        for pce, right in own:
            if right.state in STANDING:
                revocation = hook(right.client)  # an error without its connection, before anything is noted
                self.record(partial(with_asked, right_id=right.id))
                revocation.revoke(right.id, account=self.account_id)
                self.ledger.apply(pce, partial(ended, right_id=right.id, today=paris_today(datetime.now(UTC))))
            record = self.record(partial(with_over, right_id=right.id))
            self.log.info("Account %s: consent %s: %s.", self.account_id, right.id, record["revoked"][right.id])
        if not record["revoked"]:
            self.log.info("Account %s: none of its consents is in force at GRDF.", self.account_id)
        return {"account": self.account_id, "revoked": record["revoked"]}
