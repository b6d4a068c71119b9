"""Sending GRDF the proofs of consent that it asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from grdf.airflow.retries import first_to_raise
from grdf.airflow.tasks.run import Run
from grdf.operators.base import AccountOperator
from include.gas.account.account import stop_if_leaving
from include.gas.documents.gas_days import check_account_id
from include.gas.errors import BadRequest, QuotaExceeded

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.gas.rights.meter_rights import Meter


class SendProofOperator(AccountOperator):
    """Sends the proofs that GRDF waits for: the record of the consent as a PDF, behind an operator's own files.

    GRDF is asked about these rights first, in one call, so that nothing is sent twice. An account whose proof cannot be
    sent does not stop the others.

    :param account_id: the account's id (templated), by default the form's; empty for all that wait
    """

    template_fields: Sequence[str] = ("account_id",)

    def __init__(self, *, account_id: str = "{{ params.account }}", **kwargs: Any) -> None:
        super().__init__(account_id=account_id, **kwargs)

    def perform(self, context: Context) -> dict[str, int]:
        """Run the task.

        :return: how many accounts were looked at, how many proofs GRDF waited for, how many were sent, and in how many
            files
        :raises BadRequest: if the run was cleared
        :raises RetryLater: if some could not be sent at the moment
        :raises FailNow: if a person must act for some; the others were sent, and the log says why each was not
        """
        from grdf.proofs.sending import ProofSender

        run, name = Run.of(context), self.account_id.strip()
        run.stop_if_cleared("grdf_send_proof")
        meters = self._named(name) if name else [meter for meter in self.ledger.every() if _has_proof(meter)]
        sender = ProofSender(self.couchdb, self.staging.proofs)
        waits: list[QuotaExceeded] = []
        for client in sorted({right.client for meter in meters for right in meter.rights}):
            mine = [meter.pce for meter in meters if any(right.client == client for right in meter.rights)]
            try:
                sender.send(self.adict.named(client), mine, named=name)
            except QuotaExceeded as error:
                waits.append(error)
        counts = dict(sender.counts)
        self.log.info(
            "GRDF waited for %d proof(s) of %d account(s); %d were sent, in %d file(s).",
            counts["asked"], counts["accounts"], counts["sent"], counts["files"],
        )  # fmt: skip
        if waits:
            raise waits[0]  # the other clients' are sent, and the next try continues with the rest
        if sender.failures:
            raise first_to_raise(sender.failures, last_try=run.is_last_try)
        return counts

    def _named(self, name: str) -> list[Meter]:
        """Return the meters of the account that a person has named."""
        try:
            check_account_id(name)
        except ValueError as error:
            step = "Nothing was sent. Enter the account's id as it appears in its DAG's name, or nothing for all."
            raise BadRequest.about(None, str(error), step) from None
        stop_if_leaving(self.accounts.account(name))
        return self.ledger.of_account(name)


def _has_proof(meter: Meter) -> bool:
    return any(right.account and right.proof and right.state != "ended" for right in meter.rights)
