"""Revoke: end every consent at GRDF, with the secret that nothing else uses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grdf.operators.deletion.base import DeletionOperator
from grdf.waiting import waiting_for_grdf
from include.gas.accounts import Account
from include.gas.errors import BadAccount
from include.gas.leaving import ASKED, with_revoked

if TYPE_CHECKING:
    from airflow.sdk import Context


class RevokeConsentsOperator(DeletionOperator):
    """Revoke every right of ours on every meter of the account: those it knows, and those it does not know of.

    A right that is no longer in force counts as revoked. Each one is noted in the record before it is asked for and as
    soon as it is done, so that no revocation is missing there, wherever this is interrupted.
    """

    @waiting_for_grdf
    def execute(self, context: Context) -> dict[str, Any]:
        """Run the step.

        :param context: Airflow's task context
        :return: GRDF's ids of the rights, each with what became of it
        :raises GasError: when a right still stands
        """
        from grdf.hooks.revocation import NOT_IN_FORCE, REVOKED, RevocationHook

        document = self.document()
        pces: list[str] = []
        known: set[str] = set()
        if document is not None:
            try:
                account = Account.from_document(document)
                pces = [meter.pce for meter in account.meters]
                known = {meter.id_accreditation for meter in account.meters if meter.id_accreditation}
            except BadAccount as error:
                self.log.warning("%s Its consents cannot be found in it.", error)
        outcomes: dict[str, str] = {}
        if pces:
            hook = RevocationHook()
            for right in hook.standing_rights(pces, account=self.account_id):
                outcomes[right.id] = ASKED
                self.record(context, lambda entry: with_revoked(entry, outcomes))
                outcomes[right.id] = hook.revoke(right, account=self.account_id)
                self.record(context, lambda entry: with_revoked(entry, outcomes))
                self.log.info("Account %s: consent %s: %s.", self.account_id, right.id, outcomes[right.id])
            noted = self.record(context, dict)["revoked"]
            outcomes |= {right: REVOKED for right, said in noted.items() if said == ASKED and right not in outcomes}
            outcomes |= dict.fromkeys(sorted(known - outcomes.keys()), NOT_IN_FORCE)
        record = self.record(context, lambda entry: with_revoked(entry, outcomes))
        if pces and not record["revoked"]:
            self.log.info("Account %s: no consent of ours is in force at GRDF.", self.account_id)
        return {"account": self.account_id, "revoked": record["revoked"]}
