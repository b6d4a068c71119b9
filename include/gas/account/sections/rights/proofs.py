"""The proofs of consent that GRDF asks for, checks or has judged, for rights that the account has itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, ClassVar

import msgspec

from include.gas.account.sections.section import Section, members, put, read_fields, written
from include.gas.answers.proof_state import ASKED, CHECKING, REFUSED, STATES, UNKNOWN
from include.gas.days.gas_day import utc_text
from include.gas.documents.gas_days import Document


class Proof(Section, frozen=True):
    """How far GRDF's check of the proof of one right is.

    :param pce: the right's meter
    :param state: ``asked``, ``checking``, ``accepted``, ``refused``, or ``unknown`` for words that we do not know
    :param until: last day to send the proof; absent if GRDF does not say
    :param asked: when we first saw that GRDF asks for it, UTC
    :param tried: when we began to send it, UTC; removed once GRDF has taken it
    :param sent: when we sent it, UTC; absent if we have not, or if GRDF has asked again since
    :param files: hashes of the operator's own files that were sent with it, to remove no other ones
    """

    key: ClassVar[str] = "proofs"

    pce: str
    state: str
    until: date | None = None
    asked: str = ""
    tried: str = ""
    sent: str = ""
    files: list[str] = msgspec.field(default_factory=list)

    @classmethod
    def all_of(cls, document: Mapping[str, Any]) -> dict[str, Proof]:
        """Return the entries by GRDF's id of the right. Those that cannot be read are left out."""
        found = {right: read_fields(cls, entry) for right, entry in members(document.get(cls.key)).items()}
        return {
            right: entry if entry.state in STATES else msgspec.structs.replace(entry, state=UNKNOWN)
            for right, entry in found.items()
            if entry is not None
        }

    @property
    def is_due(self) -> bool:
        """Whether GRDF waits for it and we have not sent it."""
        return self.state == ASKED and not self.sent

    @property
    def needs_person(self) -> bool:
        """Whether GRDF waits for it, or has refused it."""
        return self.is_due or self.state == REFUSED


def with_proofs(document: Mapping[str, Any], proofs: Mapping[str, Proof]) -> Document:
    """Return the account document with these entries instead of the former ones.

    :param proofs: by GRDF's id of the right; an empty mapping removes the section
    """
    return put(document, Proof.key, {right: written(entry) for right, entry in sorted(proofs.items())} or None)


def with_tried(document: Mapping[str, Any], right: str, at: datetime, files: Iterable[str] = ()) -> Document:
    """Return the account document with a note that the proof of a right is being sent.

    :param right: GRDF's id of the right
    :param files: hashes of the operator's own files that are sent
    """
    entry = Proof.all_of(document).get(right)
    if entry is None:
        return dict(document)
    return _with(document, right, msgspec.structs.replace(entry, tried=utc_text(at), files=list(files)))


def with_sent(document: Mapping[str, Any], right: str, pce: str, at: datetime) -> Document:
    """Return the account document with a note that GRDF has taken the proof of a right.

    :param right: GRDF's id of the right
    :param at: when it was sent, aware
    """
    old = Proof.all_of(document).get(right)
    old = old or Proof(pce, CHECKING)
    sent = Proof(pce, CHECKING, old.until, old.asked, sent=utc_text(at), files=old.files)
    return _with(document, right, sent)


def _with(document: Mapping[str, Any], right: str, entry: Proof) -> Document:
    return put(document, Proof.key, {**members(document.get(Proof.key)), right: written(entry)})
