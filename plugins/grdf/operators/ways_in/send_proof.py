"""Sending GRDF the proofs of consent that it asks for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from grdf.airflow.tasks.run import Run
from grdf.operators.base import AccountOperator
from include.gas.account.account import Account, stop_if_leaving
from include.gas.account.sections.rights.proofs import Proof
from include.gas.answers.proof_state import ASKED
from include.gas.documents.gas_days import check_account_id
from include.gas.errors import (
    ODD_DOCUMENT,
    AccountLeaving,
    BadAccount,
    BadRequest,
    CredentialsRefused,
    GasError,
    ProofNotSent,
    QuotaExceeded,
    QuotaWait,
    RetryLater,
    ServiceUnavailable,
    what_is_odd,
)

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.gas.answers.access_rights import AccessRight
    from include.gas.documents.gas_days import Document

GIVE_UP_AFTER = 3
"""Accounts in a row for which GRDF refuses our credentials. One refusal may be about that account's right alone."""
MOST_TOLD = 20
"""Failures that the error quotes. The log has all of them."""


class SendProofOperator(AccountOperator):
    """Sends the proofs that GRDF waits for: the record of the consent as a PDF, behind an operator's own files.

    GRDF's list is asked first, in one call, so that nothing is sent twice. An account whose proof cannot be sent does
    not stop the others.

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
        :raises ProofNotSent: if a person must act for some; the others were sent
        """
        from grdf.proofs.sending import ProofSender

        run, name = Run.of(context), self.account_id.strip()
        run.stop_if_cleared("grdf_send_proof")
        asked_at, counts = datetime.now(UTC), Counter({"accounts": 0, "asked": 0, "sent": 0, "files": 0})
        sender = ProofSender(self.couchdb, self.adict, self.staging.proofs)
        failures: list[GasError] = []
        waits: dict[str, QuotaExceeded] = {}
        refused: Counter[str] = Counter()
        for client, account, rights in [self._named(name)] if name else self._waiting(run, failures, waits):
            if client in waits or refused[client] == GIVE_UP_AFTER:
                continue
            counts["accounts"] += 1
            sent = counts["sent"]
            try:
                failed = sender.send(account, rights, asked_at, named=bool(name), counts=counts)
            except QuotaExceeded as error:
                waits[client] = error
                if len(waits) == len(self.clients()):
                    raise
                continue
            except AccountLeaving as error:
                self.log.info("%s", error)
                continue
            except GasError as error:
                failed = [error]
            for each in failed:
                self.log.error("%s", each)
            failures += failed
            refused[client] = 0 if counts["sent"] > sent else refused[client] + _are_refused(failed)
            if refused[client] == GIVE_UP_AFTER:
                self.log.error("GRDF has refused us for %d accounts in a row. The others are not tried.", GIVE_UP_AFTER)
        self.log.info(
            "GRDF waited for %d proof(s) of %d account(s); %d were sent, in %d file(s).",
            counts["asked"], counts["accounts"], counts["sent"], counts["files"],
        )  # fmt: skip
        for wait in waits.values():
            raise wait  # the other clients' are sent, and the next try continues with the rest
        if failures:
            raise failures[-1] if max(refused.values(), default=0) == len(failures) else _in_one(failures, run)
        return dict(counts)

    def _named(self, name: str) -> tuple[str, str, Sequence[AccessRight]]:
        try:
            check_account_id(name)
        except ValueError as error:
            step = "Nothing was sent. Enter the account's id as it appears in its DAG's name, or nothing for all."
            raise BadRequest.about(None, str(error), step) from None
        document = self.accounts.document(name)
        account, client = Account.from_document(document), self.adict.of(document)
        stop_if_leaving(account)
        pces = [meter.pce for meter in account.meters]
        return client.grdf_conn_id, name, client.access_rights(pces, account=name) if pces else ()

    def _waiting(
        self, run: Run, failures: list[GasError], waits: dict[str, QuotaExceeded]
    ) -> Iterator[tuple[str, str, Sequence[AccessRight]]]:
        """Yield the accounts whose proofs GRDF waits for, or which noted one before, each with its own rights.

        :param failures: the reasons why GRDF gave no list for some of our clients, which this adds
        :param waits: the same for clients whose turn to call has not come, by connection
        :return: the connection of the account's client, the account's id, and its rights
        """
        from grdf.consents.lists.client_lists import ClientLists

        lists = ClientLists(self.clients(), self.log, last_try=run.is_last_try)
        waits |= {name: each for name, each in lists.failures.items() if isinstance(each, QuotaWait)}
        failures += (each for name, each in lists.failures.items() if name not in waits)
        if odd := sum(listed.answer.odd for listed in lists.known.values()):
            self.log.warning(
                "%d line(s) of GRDF's list could not be read. If one of them asks for a proof, it is not sent.", odd
            )
        for document in list(self.accounts.listed()):
            try:
                listed = lists.of(document)
                found, noted = _own(document, listed.rights if listed else {}), bool(Proof.all_of(document))
            except (BadAccount, *ODD_DOCUMENT) as error:
                self.log.warning("Account %s is left out: %s", document["_id"], what_is_odd(error))
                continue
            if listed and (noted or any(right.proof == ASKED for right in found)):
                yield listed.connection, str(document["_id"]), found


def _own(document: Document, rights: Mapping[str, Sequence[AccessRight]]) -> list[AccessRight]:
    meters = Account.from_document(document).meters
    return [right for meter in meters for right in rights.get(meter.pce, ()) if right.id in meter.own]


def _are_refused(failures: Sequence[GasError]) -> bool:
    return any(isinstance(error, CredentialsRefused) for error in failures)


def _in_one(failures: Sequence[GasError], run: Run) -> GasError:
    """Return the error for what could not be sent: a temporary one as long as trying again may help."""
    said = " | ".join(str(error) for error in failures[:MOST_TOLD])
    more = f" | and {len(failures) - MOST_TOLD} more, see above" if len(failures) > MOST_TOLD else ""
    cause = f"{len(failures)} proof(s) could not be sent: {said}{more}"
    if any(isinstance(error, RetryLater) for error in failures) and not run.is_last_try:
        return ServiceUnavailable.about(None, cause, "It is tried again; what GRDF has taken is not sent again.")
    return ProofNotSent.about(None, cause, "The others were sent. Act as said there, then start grdf_send_proof again.")
