"""Sends GRDF the proofs of consent that it asks for."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from grdf.airflow.retries import first_to_raise
from grdf.airflow.tasks.run import Run
from grdf.operators.base import AccountOperator
from include.gas.account.account import check_not_leaving
from include.gas.answers.proof_state import ASKED, REFUSED
from include.gas.days.gas_day import utc_text
from include.gas.errors import AccountLeaving, GasError, ProofNotSent
from include.gas.meter_tag import meter_tag
from include.gas.proof.consent_record import find_record
from include.gas.proof.proof_file import MOST, MOST_BYTES, ProofFile
from include.gas.rights.transitions import note_proof_sent

if TYPE_CHECKING:
    from airflow.sdk import Context

    from grdf.hooks.adict import AdictHook
    from grdf.ledger.rights_query import RightsFound
    from include.gas.answers.access_rights import AccessRight


class SendProofOperator(AccountOperator):
    """Sends the proofs that GRDF waits for: the record as a PDF, behind an operator's own files.

    GRDF is asked first, so that nothing is sent twice. A proof that cannot be sent stops no other.
    """

    def perform(self, context: Context) -> dict[str, int]:
        """Return how many proofs GRDF waited for, how many were sent, and in how many files.

        :raises BadRequest: if the run was cleared
        :raises GasError: if some could not be sent, now or before a person acts; the others were
        """
        from grdf.ledger.rights_query import query_rights
        from grdf.stores.consent_records import ConsentRecords

        run, name = Run.from_context(context), self.account_id.strip()
        run.stop_if_cleared("grdf_send_proof")
        self._records, self._failures = ConsentRecords(self.couchdb), list[GasError]()
        self._counts = Counter({"asked": 0, "sent": 0, "files": 0})
        if name:
            check_not_leaving(self.accounts.read_document(name))
        clients = defaultdict[str, set[str]](set)
        for meter in self.ledger.meters_of_account(name) if name else self.ledger.all_meters():
            for right in meter.rights:
                if right.state != "ended" and (name or right.proof):
                    clients[right.client].add(meter.pce)
        for conn_id, pces in sorted(clients.items()):
            with self._noting():
                client = self.adict.for_connection(conn_id)
                found = query_rights(self.ledger, client, pces, account=name)
                waits = {right.account for meter in found.meters.values() for right in meter.rights if right.proof}
                for account in sorted(waits & {name} if name else waits - {""}):
                    with self.each_account.serve(account):
                        self._send_all(account, client, found)
        counts = dict(self._counts)
        self.log.info("Proofs that GRDF waits for, sent ones, and their files: %s.", counts)
        if self._failures:
            raise first_to_raise(self._failures, last_try=run.is_last_try)
        return counts

    def _send_all(self, account: str, client: AdictHook, found: RightsFound) -> None:
        """Send an account's proofs once per question of GRDF; the operator's own files replace a refused one."""
        with self._noting():
            check_not_leaving(self.accounts.read_document(account))
            rights = {right.id: right for meter in found.meters.values() for right in meter.rights_of(account)}
            proofs = {key: right.proof for key, right in rights.items() if right.proof}
            due = {key for key, proof in proofs.items() if proof.is_due}
            replaceable = {key for key, proof in proofs.items() if proof.state in (ASKED, REFUSED)}
            own = self.staging.proofs(account).checked() if replaceable else {}
            wanted, failed = replaceable if own else due, len(self._failures)
            self._counts["asked"] += len(due)
            for line in found.rights:
                if line.id in wanted:
                    with self._noting():
                        self._send(account, client, line, rights[line.id].since, list(own.values()))
            self.accounts.update(account, self.ledger.settle_account)
            if len(self._failures) == failed:
                self.staging.proofs(account).remove(*own)

    def _send(
        self, account: str, client: AdictHook, line: AccessRight, declared: str, own: Sequence[ProofFile]
    ) -> None:
        """Send the proof of a right, which the account has since ``declared`` (UTC text)."""
        from grdf.operators.ways_in.record_pdf import record_pdf

        tag, record = meter_tag(account, line.pce), find_record(self._records.by_meter[line.pce], line, declared)
        made = [record_pdf(record, line.id)] if record else []
        files = [*own, *(file for file in made if len(file.content) <= MOST_BYTES)][:MOST]
        if not files:
            raise ProofNotSent.about(
                account,
                f"GRDF asks for the proof of the consent for meter {tag}, and there is neither a file of your own nor "
                "a record of the consent of the person and the e-mail address for whom GRDF lists the right now",
            )
        client.send_proof(line.id, files, account=account)
        self.ledger.apply(line.pce, partial(note_proof_sent, right_id=line.id, at=utc_text(datetime.now(UTC))))
        self._counts.update(sent=1, files=len(files))
        self.log.info(
            "Account %s: the proof of the consent for meter %s is with GRDF, in %d file(s). GRDF checks it; "
            "the account's page tells the result.", account, tag, len(files),
        )  # fmt: skip

    @contextmanager
    def _noting(self) -> Iterator[None]:
        """Note why something could not be done, and go on."""
        try:
            yield
        except AccountLeaving as error:
            self.log.info("%s", error)
        except GasError as error:
            self.log.error("%s", error)
            self._failures.append(error)
