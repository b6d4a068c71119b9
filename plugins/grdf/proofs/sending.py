"""Sending the proofs that GRDF waits for: an operator's own files, and the record of the consent."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from grdf.hooks.couchdb import CouchDBHook, Document
from grdf.ledger.looking import Look, look
from grdf.ledger.meters import Ledger
from grdf.ledger.taking_in import settled
from grdf.staging.proof_files import ProofFiles
from grdf.stores.accounts.account_store import AccountStore
from grdf.stores.records.consent_records import ConsentRecords
from include.gas.account.account import Account, stop_if_leaving
from include.gas.days.gas_day import utc_text
from include.gas.errors import AccountLeaving, GasError, ProofNotSent, QuotaExceeded
from include.gas.meter_tag import meter_tag
from include.gas.proof.consent_record import record_for
from include.gas.proof.proof_file import MOST, MOST_BYTES, ProofFile
from include.gas.rights.transitions import proved

if TYPE_CHECKING:
    from grdf.hooks.adict import AdictHook
    from include.gas.answers.access_rights import AccessRight
    from include.gas.rights.meter_rights import Meter
    from include.gas.rights.proof_check import Proof

log = logging.getLogger(__name__)


class ProofSender:
    """Sends proofs. One that cannot be sent does not stop the others.

    ``counts`` are the accounts that were looked at, the proofs that GRDF waited for and those that were sent, and in
    how many files; ``failures`` why some were not.
    """

    def __init__(self, couchdb: CouchDBHook, files: ProofFiles) -> None:
        self._accounts = AccountStore(couchdb)
        self._ledger = Ledger(couchdb)
        self._records = ConsentRecords(couchdb)
        self._files = files
        self.counts = Counter({"accounts": 0, "asked": 0, "sent": 0, "files": 0})
        self.failures: list[GasError] = []

    def send(self, client: AdictHook, meters: Iterable[str], *, named: str = "") -> None:
        """Send the proofs of one client's rights for which GRDF says that it waits.

        :param meters: the rights' meters; GRDF is asked about them first, so that nothing is sent twice
        :param named: the account that a person has named; ``""`` for all
        :raises QuotaExceeded: if no further proof can be sent for now
        """
        with self._noting():
            found = look(self._ledger, client, list(meters), account=named)
            rights = [right for meter in found.meters.values() for right in meter.rights if right.proof]
            for account in [named] if named else sorted({right.account for right in rights} - {""}):
                with self._noting():
                    self._send_all(account, client, found, named=bool(named))

    def _send_all(self, name: str, client: AdictHook, found: Look, *, named: bool) -> None:
        """Send an account's proofs, once for each of GRDF's questions.

        A proof that was sent and is still asked for, or was refused, is replaced only if a person names the account and
        files of its own wait there.
        """
        account = Account.from_document(self._settle(name, found.meters))
        stop_if_leaving(account)
        proofs = {right: proof for meter in account.meters for right, proof in meter.proofs.items()}
        self.counts["accounts"] += 1
        self.counts["asked"] += sum(proof.is_due for proof in proofs.values())
        wanted, own = self._wanted(name, proofs, named=named)
        sent = self.counts["sent"] + len(wanted)
        for line in (line for line in found.rights if line.id in wanted):
            with self._noting():
                self._send(name, client, line, found.meters[line.pce], list(own.values()))
        if not wanted:
            said = "Account %s: GRDF waits for no proof that was not sent. %d file(s) of your own wait."
            log.info(said, name, self._files.waiting(name))
        elif self.counts["sent"] == sent:
            self._files.remove_sent(name, own)

    def _wanted(
        self, name: str, proofs: Mapping[str, Proof], *, named: bool
    ) -> tuple[list[str], Mapping[str, ProofFile]]:
        """Return the rights whose proofs are to be sent, and the operator's own files for them, by name."""
        due = [right for right, proof in proofs.items() if proof.is_due]
        replaced = [right for right, proof in proofs.items() if proof.is_replaceable] if named else due
        own = self._files.read(name) if replaced else {}
        return replaced if own else due, own

    def _send(self, name: str, client: AdictHook, line: AccessRight, meter: Meter, own: Sequence[ProofFile]) -> None:
        """Send the proof of a right.

        :param line: the right as GRDF lists it
        :param own: the operator's own files
        """
        files = [*own, *self._record(name, line, meter)][:MOST]
        if not files:
            raise ProofNotSent.about(
                name,
                f"GRDF asks for the proof of the consent for meter {meter_tag(name, line.pce)}, and there is neither a "
                "file of your own nor a record of the consent of the person and the e-mail address for whom GRDF lists "
                "the right now",
            )
        client.send_proof(line.id, files, account=name)
        sent = partial(proved, right_id=line.id, at=utc_text(datetime.now(UTC)))
        self._settle(name, {line.pce: self._ledger.apply(line.pce, sent)})
        self.counts.update(sent=1, files=len(files))
        log.info(
            "Account %s: the proof of the consent for meter %s is with GRDF, in %d file(s). GRDF checks it; "
            "grdf_consents tells the result.", name, meter_tag(name, line.pce), len(files),
        )  # fmt: skip

    def _record(self, name: str, line: AccessRight, meter: Meter) -> list[ProofFile]:
        """Return the record of the consent as a file; none if there is no record of it."""
        from grdf.proofs.record_pdf import record_pdf

        declared = next((right.since for right in meter.rights if right.id == line.id), "")
        record = record_for(self._records.of(name), line, declared)
        file = record_pdf(record, line.id) if record else None
        return [file] if file is not None and len(file.content) <= MOST_BYTES else []

    def _settle(self, name: str, meters: Mapping[str, Meter]) -> Document:
        """Write to the account what the ledger says now, and return its document."""
        return self._accounts.update(name, lambda document: settled(self._ledger, document, meters.values()))

    @contextmanager
    def _noting(self) -> Iterator[None]:
        """Note why something could not be done, and go on."""
        try:
            yield
        except QuotaExceeded:
            raise
        except AccountLeaving as error:
            log.info("%s", error)
        except GasError as error:
            log.error("%s", error)
            self.failures.append(error)
