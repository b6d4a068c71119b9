"""What GRDF's list says about proofs of consent, noted on the account that has the rights."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from include.gas.account.sections.rights.proofs import Proof, with_proofs
from include.gas.account.state import is_about_proof, with_state
from include.gas.answers.access_rights import AccessRight
from include.gas.answers.proof_state import ACCEPTED, ASKED, REFUSED
from include.gas.consents.consent import Consent
from include.gas.days.gas_day import utc_text
from include.gas.documents.gas_days import Document
from include.gas.errors import USER_ACTION_NEEDED, VENDOR_DOWN, describe_for
from include.gas.meter_tag import meter_tag

LAG = timedelta(days=2)
"""How long GRDF's list may still ask for a proof that it has taken. After that it is taken to ask again."""
LIST_AGE = timedelta(days=1)
"""How old a list may be when it is judged. A proof that seems to be sent later was sent by a clock that was wrong."""
OWN_FILES = "put files of your own into the folder proofs/{account}/ of [grdf] staging_url"


def with_listed(
    document: Mapping[str, Any],
    meters: Iterable[Consent],
    rights: Iterable[AccessRight],
    asked_at: datetime,
    judged: Collection[str] | None = None,
) -> Document:
    """Return the account document with what a list says about the proofs of the account's own rights.

    A right that the list does not name keeps its note: the list may be cut short.

    :param rights: GRDF's list
    :param asked_at: when GRDF was asked for it, aware
    :param judged: the meters that the list is about; ``None`` for all
    """
    own = {right: meter.pce for meter in meters for right in meter.own}
    before = Proof.all_of(document)
    after = {right: entry for right, entry in before.items() if right in own}
    for right in rights:
        old = before.get(right.id)
        if right.id not in own or (judged is not None and right.pce not in judged):
            continue
        if old is not None and old.sent >= utc_text(asked_at):
            if old.sent <= utc_text(asked_at + LIST_AGE):  # sent after the list was made
                continue
            old = msgspec.structs.replace(old, sent=utc_text(asked_at))
        after.pop(right.id, None)
        if right.proof and right.stands:
            after[right.id] = _listed(right, old, asked_at)
    return with_proofs(document, after) if after != before else dict(document)


def _listed(right: AccessRight, old: Proof | None, asked_at: datetime) -> Proof:
    old = old or Proof(right.pce, "")
    if right.proof != ASKED:
        # If GRDF has the proof although its answer to us was lost, that is when it was sent.
        sent = old.tried or old.sent
        return Proof(right.pce, right.proof, right.proof_until, old.asked, sent=sent, files=old.files)
    again = (
        old.state in (ACCEPTED, REFUSED)
        or (old.until is not None and right.proof_until is not None and old.until != right.proof_until)
        or (bool(old.sent) and old.sent < utc_text(asked_at - LAG))
    )
    asked = old.asked if old.asked and not again else utc_text(asked_at)
    until = right.proof_until or old.until
    return (
        Proof(right.pce, ASKED, until, asked)
        if again
        else Proof(right.pce, ASKED, until, asked, old.tried, old.sent, old.files)
    )


def with_refusal_told(document: Mapping[str, Any], now: datetime, *, lost: bool) -> Document:
    """Return the account document with a state that asks for a person while GRDF refuses a proof.

    The state hides no other one that asks for a person, and it stops no reading: the right is in force until GRDF's
    list says otherwise. It goes with the refusal.

    :param lost: whether the account has a meter without a usable consent
    """
    account = str(document.get("_id"))
    refused = {right: proof for right, proof in Proof.all_of(document).items() if proof.state == REFUSED}
    told, state = is_about_proof(document), document.get("state")
    if refused and (not state or told or (state == VENDOR_DOWN and not lost)):
        message = " ".join(proof_message(account, proof) for proof in refused.values())
        return with_state(document, USER_ACTION_NEEDED, message, since=now, partial=True, proof=True)
    return with_state(document, None) if told and not refused else dict(document)


def proof_message(account: str, proof: Proof, today: date | None = None) -> str:
    """Return the message for people about a proof that GRDF waits for or has refused.

    :param today: civil date in Paris, to say that the deadline is over
    """
    tag = meter_tag(account, proof.pce)
    if proof.state == REFUSED:
        return describe_for(
            account,
            f"GRDF has refused the proof of the consent for meter {tag}",
            f"It is read as long as GRDF allows it. Ask GRDF for the reason, {OWN_FILES.format(account=account)} and "
            "start grdf_send_proof with this account.",
        )
    until = f" until {proof.until}" if proof.until else ""
    if today and proof.until and proof.until < today:
        until = f"; its deadline, {proof.until}, is over"
    return describe_for(
        account,
        f"GRDF asks for the proof of the consent for meter {tag}{until}",
        "Start grdf_send_proof with this account: it sends the record of the consent. If the consent was given "
        f"elsewhere, {OWN_FILES.format(account=account)} first.",
    )
