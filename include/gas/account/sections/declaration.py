"""A right that we declare at GRDF for a household ("tiers direct"): what it gave for that, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any, ClassVar

import msgspec

from include.gas.account.sections.section import Section, members, put, read_fields
from include.gas.answers.words import fold
from include.gas.days.gas_day import utc_text
from include.gas.documents.gas_days import Document

PERIMETERS = ("informatives", "publiees", "contractuelles", "techniques")
"""What a right may include, in ADICT's words (3.6)."""
PERSON = ("name", "company", "postcode", "email", "phone")
"""The keys that are removed as soon as GRDF has the right."""
_KEPT = ("pce", "perimeters", "first", "end", "calls_until")
_SOON, _LATER = timedelta(hours=2), timedelta(days=2)
_QUARTER, _HOUR = timedelta(minutes=15), timedelta(hours=1)
_SLACK = timedelta(minutes=1)
"""The scheduler starts a run a little earlier or later than the last one."""


class Declaration(Section, frozen=True):
    """The right that is declared for a household, and until GRDF has it, the person who holds the contract.

    :param pce: the meter
    :param name: last name of the contract's holder; removed once GRDF has the right
    :param company: the holder's company name, instead of ``name``; removed likewise
    :param postcode: the meter's postcode; removed likewise
    :param email: where GRDF asks the holder; removed likewise
    :param phone: the holder's mobile number; removed likewise
    :param perimeters: what the right includes: ``informatives``, ``publiees``, ``contractuelles``, ``techniques``
    :param first: first gas day; absent for five years before the declaration
    :param end: first gas day that is not covered any more; absent for the day after ``calls_until``
    :param calls_until: last civil day on which GRDF may be asked; absent for three years after the declaration
    :param sent: when we began to declare the right, UTC; a later try first looks whether GRDF has it
    :param sent_pce: the meter for which we did; removed once GRDF has the right
    :param sent_as: a hash of the meter and the person for whom we did, to be found in GRDF's list; removed likewise
    :param refused: whether GRDF has refused the declaration; scheduled runs then leave it until a person starts one
    :param declared: when GRDF took it, UTC
    :param waits: whether the holder has not answered yet; absent if it has
    :param looked: when we last looked whether the holder has answered, UTC
    """

    key: ClassVar[str] = "declaration"
    written_by: ClassVar[str] = "whoever connects a household without GRDF's Client Connect; `acquire_token`"

    pce: str = ""
    name: str = ""
    company: str = ""
    postcode: str = ""
    email: str = ""
    phone: str = ""
    perimeters: list[str] = msgspec.field(default_factory=list)
    first: date | None = None
    end: date | None = None
    calls_until: date | None = None
    sent: str = ""
    sent_pce: str = ""
    sent_as: str = ""
    refused: bool = False
    declared: str = ""
    waits: bool = False
    looked: str = ""

    def __repr__(self) -> str:
        """Return a text without the person."""
        return f"Declaration(declared={self.declared!r}, waits={self.waits})"

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Declaration | None:
        """Return the declaration on an account document; ``None`` if there is none or if it cannot be read."""
        found = members(document.get(cls.key))
        return read_fields(cls, found) if found else None

    @property
    def fingerprint(self) -> str:
        """See :func:`fingerprint`."""
        return fingerprint(self.pce, self.name or self.company, self.email, self.postcode)

    def is_due(self, now: datetime) -> bool:
        """Return whether to look at GRDF's list whether the holder has answered.

        GRDF mails the holder every quarter of an hour. We look that often for two hours and every hour for two days;
        after that the check of consents every morning does.

        :param now: an aware datetime
        """
        if not self.waits:
            return False
        try:
            age = now - datetime.fromisoformat(self.declared)
            rest = now - datetime.fromisoformat(self.looked or self.declared)
        except (ValueError, TypeError):
            return True
        if age >= _LATER:
            return False
        return not timedelta(0) <= rest < (_QUARTER if age < _SOON else _HOUR) - _SLACK


def names_person(document: Mapping[str, Any]) -> bool:
    """Return whether an account document has a declaration that GRDF does not have yet."""
    return any(members(document.get(Declaration.key)).get(name) for name in PERSON)


def is_refused(document: Mapping[str, Any]) -> bool:
    """Return whether a person has to correct the declaration on an account document."""
    return members(document.get(Declaration.key)).get("refused") is True


def fingerprint(pce: str, name: str, email: str, postcode: str) -> str:
    """Return a hash that tells whether a right in GRDF's list was declared for a household.

    :param name: last name or company
    :return: 32 hexadecimal digits
    """
    return sha256("\n".join((pce, fold(name), fold(email), fold(postcode))).encode()).hexdigest()[:32]


def with_sent(document: Mapping[str, Any], asked: Declaration, at: datetime) -> Document:
    """Return the account document with a note that its right is being declared.

    :param asked: what is declared
    :param at: an aware datetime, the present
    """
    note = {"sent": utc_text(at), "sent_pce": asked.pce, "sent_as": asked.fingerprint}
    found = {key: value for key, value in members(document.get(Declaration.key)).items() if key != "refused"}
    return put(document, Declaration.key, found | note)


def with_refused(document: Mapping[str, Any]) -> Document:
    """Return the account document with a note that a person has to correct the declaration."""
    found = members(document.get(Declaration.key))
    return put(document, Declaration.key, {**found, "refused": True}) if names_person(document) else dict(document)


def with_declared(document: Mapping[str, Any], pce: str, at: datetime, *, waits: bool) -> Document:
    """Return the account document without the person, because GRDF has the right now.

    If the declaration is about another meter by now, the person stays, and the next run declares that one.

    :param pce: the right's meter
    :param at: when GRDF took it, aware
    :param waits: whether the holder has to accept it first
    """
    found = members(document.get(Declaration.key))
    other = names_person(document) and str(found.get("pce") or "").strip() != pce
    kept = {key: value for key, value in found.items() if key in (*_KEPT, *(PERSON if other else ()))}
    note = {"declared": utc_text(at)} | ({"waits": True} if waits else {})
    return put(document, Declaration.key, kept | note)


def with_look(document: Mapping[str, Any], at: datetime, *, waits: bool) -> Document:
    """Return the account document with a note whether the holder's answer is still awaited.

    :param at: when GRDF was asked, aware
    :param waits: whether it is
    """
    found = members(document.get(Declaration.key))
    if not found.get("waits"):
        return dict(document)
    changed = {key: value for key, value in found.items() if key != "waits"} | {"looked": utc_text(at)}
    return put(document, Declaration.key, changed | ({"waits": True} if waits else {}))
