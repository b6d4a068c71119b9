"""The revocation: end every consent at GRDF, with the secret that nothing else uses."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from grdf.airflow.tasks.run import Run
from grdf.operators.deletion.step import DeletionOperator
from include.gas.days.gas_day import paris_today
from include.gas.leaving.deletion_plan import STANDING
from include.gas.leaving.deletion_record import ASKED, with_left_alone, with_revoked
from include.gas.rights.transitions import ended

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.sdk import Context

    from grdf.hooks.revocation import RevocationHook
    from include.gas.rights.meter_rights import Right


class RevokeConsentsOperator(DeletionOperator):
    """Revokes every right that the ledger gives to the account, on every meter, and none that another account uses.

    It waits for tasks of the account's DAG that were running when the account was marked, as a first launch may be
    bringing its rights; tasks that start later refuse to run. GRDF is asked for the rights first. Other rights on the
    meters are recorded as left alone, because they may belong to the present occupants. A right that is no longer in
    force counts as revoked. Each right is recorded before it is revoked and again afterwards, so that no revocation is
    missing from the record, wherever the task is interrupted.
    """

    def perform(self, context: Context) -> dict[str, Any]:
        """Run the task.

        :return: GRDF's ids of the rights, each with its outcome
        :raises BadRequest: if nobody has approved this run
        :raises StoreBusy: if a task of the account is still running after the whole waiting time
        :raises GasError: if a right is still in force
        """
        from grdf.hooks.revocation import RevocationHook

        run = Run.of(context)
        self.stop_if_over(self.permitted(run))
        self.wait_for_running(context)
        document = self.document()
        own, left = self.own_rights(self.look(document)) if document else ([], {})
        for right_id, why in left.items():
            self.log.warning("Account %s: consent %s on its meter stays: %s.", self.account_id, right_id, why)
        record = self.record(run, lambda entry: with_left_alone(entry, left))
        hook = cache(RevocationHook)
        for pce, right in own:
            record = self._end(run, pce, right, hook)
        if not record["revoked"]:
            self.log.info("Account %s: none of its consents is in force at GRDF.", self.account_id)
        return {"account": self.account_id, "revoked": record["revoked"]}

    def _end(self, run: Run, pce: str, right: Right, hook: Callable[[str], RevocationHook]) -> dict[str, Any]:
        """Revoke a right if it stands, and return the record with the outcome.

        :param hook: returns what revokes rights of a client
        """
        from grdf.hooks.revocation import NOT_IN_FORCE, REVOKED

        def note(outcome: str) -> dict[str, Any]:
            return self.record(run, lambda entry: with_revoked(entry, {right.id: outcome}))

        if right.state not in STANDING:  # an earlier try has asked for it, and its answer was lost
            noted = self.record(run, dict)["revoked"].get(right.id)
            return note(REVOKED if noted == ASKED else NOT_IN_FORCE)
        revocation = hook(right.client)  # an error without its connection, before anything is noted
        note(ASKED)
        outcome = revocation.revoke(right.id, account=self.account_id, stands=partial(self._stands, pce, right))
        self.ledger.apply(pce, partial(ended, right_id=right.id, today=paris_today(datetime.now(UTC))))
        self.log.info("Account %s: consent %s: %s.", self.account_id, right.id, outcome)
        return note(outcome)

    def _stands(self, pce: str, right: Right) -> bool:
        """Return whether GRDF still shows a right as one to revoke, to the client that has it.

        If its answer cannot be read, one that it has shown before does.
        """
        from grdf.ledger.looking import look

        found = look(self.ledger, self.adict.named(right.client), [pce], account=self.account_id)
        if any(line.id == right.id for line in found.rights):
            return any(line.id == right.id and line.stands for line in found.rights)
        return any(
            each.id == right.id and each.state in STANDING and each.was_active for each in found.meters[pce].rights
        )
