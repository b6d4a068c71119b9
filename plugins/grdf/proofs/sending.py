"""Sending the proofs that GRDF waits for: an operator's own files, and the record of the consent."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from grdf.hooks.couchdb import CouchDBHook, Document
from grdf.proofs.left_files import LeftFiles
from grdf.staging.proof_files import ProofFiles
from grdf.stores.accounts.account_store import AccountStore
from grdf.stores.records.consent_records import ConsentRecords
from include.gas.account.account import Account, stop_if_leaving
from include.gas.account.sections.rights.proofs import Proof, with_sent, with_tried
from include.gas.answers.proof_state import ACCEPTED, ASKED, CHECKING, REFUSED
from include.gas.errors import GasError, ProofNotSent, QuotaExceeded, ServiceUnavailable
from include.gas.meter_tag import meter_tag
from include.gas.proof.consent_record import record_for
from include.gas.proof.proof_file import MOST, MOST_BYTES
from include.gas.rights.proof_check import with_listed

if TYPE_CHECKING:
    from grdf.hooks.adict import AdictHook
    from include.gas.answers.access_rights import AccessRight
    from include.gas.proof.proof_file import ProofFile

log = logging.getLogger(__name__)


class ProofSender:
    """Sends the proofs of one account after the other.

    :param adict: the hook for one of our clients, which leads to those of the accounts
    """

    def __init__(self, couchdb: CouchDBHook, adict: AdictHook, files: ProofFiles) -> None:
        self._accounts = AccountStore(couchdb)
        self._records = ConsentRecords(couchdb)
        self._adict = adict
        self._files = files
        self._left = LeftFiles(couchdb, files)

    def send(
        self, name: str, rights: Collection[AccessRight], asked_at: datetime, *, named: bool, counts: Counter[str]
    ) -> list[GasError]:
        """Send what GRDF's list says it waits for, once for each of its questions.

        A proof that was sent and is still asked for, or was refused, is replaced only if a person names the account and
        files of its own wait there.

        :param name: account id
        :param rights: our rights to its meters, as GRDF has just listed them
        :param asked_at: when GRDF was asked for them, aware
        :param named: whether a person named the account
        :param counts: incremented by proofs that were asked for and sent, and by files
        :return: why proofs of some of its rights could not be sent
        :raises GasError: if none could be
        :raises QuotaExceeded: if no further proof can be sent for now
        """
        document = self._accounts.update(name, partial(_noted, rights=rights, asked_at=asked_at))
        proofs = Proof.all_of(document)
        due = [right for right, proof in proofs.items() if proof.is_due]
        counts["asked"] += len(due)
        if not due:
            self._tidy(name, proofs)
        again = [right for right, proof in proofs.items() if proof.state in (ASKED, REFUSED)] if named else due
        own: list[ProofFile] = []
        if again:
            self._left.remove_older(document)
            own = self._files.read(name)
        due = again if own else due
        if not due:
            log.info("Account %s: GRDF waits for no proof that was not sent.", name)
        listed = {right.id: right for right in rights}
        failures = [_not_listed(name, proofs[each].pce) for each in due if each not in listed]
        failures += self._send_all(document, [listed[each] for each in due if each in listed], own, counts)
        if own and due and not failures:
            self._files.remove(name, only={file.digest for file in own})
        return failures

    def _send_all(
        self, document: Document, due: Sequence[AccessRight], own: list[ProofFile], counts: Counter[str]
    ) -> list[GasError]:
        failures: list[GasError] = []
        for right in due:
            try:
                self._send(document, right, own, counts)
            except QuotaExceeded:
                raise
            except GasError as error:
                failures.append(error)
        return failures

    def _tidy(self, name: str, proofs: dict[str, Proof]) -> None:
        """Remove files that GRDF took in an earlier try whose answer was lost, or that could not be removed then."""
        if any(proof.state in (ASKED, REFUSED) for proof in proofs.values()):
            return  # they may have been put there again for that one
        done = [proof for proof in proofs.values() if proof.state in (CHECKING, ACCEPTED)]
        if taken := {digest for proof in done if proof.sent for digest in proof.files}:
            self._files.remove(name, only=taken)

    def _send(self, document: Document, right: AccessRight, own: list[ProofFile], counts: Counter[str]) -> None:
        name, pce = str(document["_id"]), right.pce
        stop_if_leaving(self._accounts.account(name))
        files = [*own, *self._record(document, right)][:MOST]
        if not files:
            raise self._without_proof(name, right)
        digests = [file.digest for file in own]
        self._accounts.update(name, partial(with_tried, right=right.id, at=datetime.now(UTC), files=digests))
        self._adict.of(document).send_proof(right.id, files, account=name)
        self._accounts.update(name, partial(with_sent, right=right.id, pce=pce, at=datetime.now(UTC)))
        counts["sent"] += 1
        counts["files"] += len(files)
        log.info(
            "Account %s: the proof of the consent for meter %s is with GRDF, in %d file(s). GRDF checks it; "
            "grdf_consents tells the result.", name, meter_tag(name, pce), len(files),
        )  # fmt: skip

    def _without_proof(self, name: str, right: AccessRight) -> ProofNotSent:
        cause = f"GRDF asks for the proof of the consent for meter {meter_tag(name, right.pce)}, and there is "
        if not any(record.pce == right.pce for record in self._records.of(name)):
            return ProofNotSent.about(name, cause + "neither a record of that consent nor a file of your own")
        return ProofNotSent.about(
            name,
            f"{cause}no file of your own. Its records of consents for that meter do not prove this right: none is of "
            "the person and the e-mail address for whom GRDF lists the right now, or the holder gave it on GRDF's site",
        )

    def _record(self, document: Document, right: AccessRight) -> list[ProofFile]:
        """Return the record of the consent as a file; none if there is no record of it."""
        from grdf.proofs.record_pdf import record_pdf

        rights = (each for meter in Account.from_document(document).meters for each in meter.rights)
        brought = next((each.brought for each in rights if each.id_accreditation == right.id), "")
        record = record_for(self._records.of(str(document["_id"])), right, brought)
        file = record_pdf(record, right.id) if record else None
        return [file] if file is not None and len(file.content) <= MOST_BYTES else []


def _not_listed(account: str, pce: str) -> GasError:
    return ServiceUnavailable.about(
        account,
        f"GRDF asked for the proof of the consent for meter {meter_tag(account, pce)}, but its list does not name that "
        "right now, so nothing was sent for it",
        "It is tried again. If this continues, ask GRDF about the right. Files of your own are kept.",
    )


def _noted(document: Document, *, rights: Collection[AccessRight], asked_at: datetime) -> Document:
    account = Account.from_document(document)
    stop_if_leaving(account)
    return with_listed(document, account.meters, rights, asked_at)
