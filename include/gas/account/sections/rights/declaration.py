"""A right that we declare at GRDF for a household ("tiers direct"): what it gave for that, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, Protocol

import msgspec

from include.gas.account.sections.section import Section, members, put, read
from include.gas.answers.words import fold, fold_address
from include.gas.days.gas_day import utc_text
from include.gas.documents.gas_days import Document

PERIMETERS = ("informatives", "publiees", "contractuelles", "techniques")
"""What a right may include, in ADICT's words (3.6)."""
PERSON = ("name", "company", "postcode", "email", "phone")
"""The keys that are removed as soon as GRDF has the right."""
_KEPT = ("pce", "perimeters", "first", "end", "calls_until")
_ENTERED_AT = "entered_at"
REFUSED_KEPT = timedelta(days=30)
"""How long what a household gave is kept after it was refused, or while GRDF never answers."""


class Holder(Protocol):
    """Whoever holds a gas contract, as entered."""

    @property
    def name(self) -> str:
        """The last name."""

    @property
    def company(self) -> str:
        """The company's name, instead of it."""

    @property
    def email(self) -> str:
        """The e-mail address."""


class Declaration(Section, frozen=True):
    """The right that is declared for a household, and until GRDF has it, the person who holds the contract.

    :param name: last name of the contract's holder; removed once GRDF has the right
    :param company: the holder's company name, instead of ``name``; removed likewise
    :param postcode: the meter's postcode; removed likewise
    :param email: where GRDF asks the holder; removed likewise
    :param phone: the holder's mobile number; removed likewise
    :param perimeters: what the right includes: ``informatives``, ``publiees``, ``contractuelles``, ``techniques``
    :param first: first gas day; absent for five years before the declaration
    :param end: first gas day that is not covered any more; absent for the day after ``calls_until``
    :param calls_until: last civil day on which GRDF may be asked; absent for three years after the declaration
    :param entered_at: when that was entered, or first seen if another program has stored it, or when it was refused, or
        when a person last started a run for it, UTC; 30 days later the declaration counts as refused and the person is
        removed; absent once GRDF has the right
    :param refused: whether the declaration cannot be sent or GRDF has refused it; scheduled runs then leave it until a
        person starts one
    :param refused_because: what a person has to correct, in words
    :param refused_reason: the same for the page: GRDF's code, or a name as in ``DeclarationRefused``
    """

    key: ClassVar[str] = "declaration"

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
    entered_at: str = ""
    refused: bool = False
    refused_because: str = ""
    refused_reason: str = ""

    def __repr__(self) -> str:
        """Return a text without the person."""
        return "Declaration()"

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Declaration | None:
        """Return the declaration on an account document; ``None`` if there is none or if it cannot be read."""
        found = members(document.get(cls.key))
        return read(cls, found) if found else None


def names_person(document: Mapping[str, Any]) -> bool:
    """Return whether an account document has a declaration that GRDF does not have yet."""
    return any(members(document.get(Declaration.key)).get(name) for name in PERSON)


def is_same_holder(one: Holder, other: Holder) -> bool:
    """Return whether two entries may be of the same holder: the same name or the same e-mail address.

    Case, accents and spaces do not matter. A holder may get another address, and may write a name in another way.
    """
    names = [fold(each.name or each.company) for each in (one, other)]
    addresses = [fold_address(each.email) for each in (one, other)]
    return any(mine and mine == theirs for mine, theirs in (names, addresses))


def is_refused(document: Mapping[str, Any]) -> bool:
    """Return whether a person has to correct the declaration on an account document."""
    return members(document.get(Declaration.key)).get("refused") is True


def is_to_declare(document: Mapping[str, Any]) -> bool:
    """Return whether a right is to be declared for an account, by itself."""
    return names_person(document) and not is_refused(document)


def refusal_of(document: Mapping[str, Any]) -> str:
    """Return what a person has to correct on the declaration of an account document; ``""`` if nothing."""
    found = members(document.get(Declaration.key))
    because = found.get("refused_because")
    return because if is_refused(document) and isinstance(because, str) else ""


def with_refused(document: Mapping[str, Any], because: str, at: datetime, reason: str = "") -> Document:
    """Return the account document with a note that a person has to correct the declaration.

    :param because: what to correct, without the person
    :param reason: the same for the page
    """
    found = members(document.get(Declaration.key))
    since = (found.get(_ENTERED_AT) if is_refused(document) else None) or utc_text(at)
    note = {"refused": True, "refused_because": because, "refused_reason": reason, _ENTERED_AT: since}
    return put(document, Declaration.key, {**found, **note}) if names_person(document) else dict(document)


def without_refusal(document: Mapping[str, Any]) -> Document:
    """Return the account document without that note, because the declaration is sent again."""
    found = members(document.get(Declaration.key))
    former = _ENTERED_AT if is_refused(document) else ""  # its time begins anew
    kept = {key: value for key, value in found.items() if not key.startswith("refused") and key != former}
    return put(document, Declaration.key, kept or None)


def with_entered(document: Document, now: datetime) -> Document:
    """Return the account document with a note when its declaration was first seen, unless its age is known."""
    found = members(document.get(Declaration.key))
    if not names_person(document) or _age(found, now) is not None:
        return document
    return put(document, Declaration.key, {**found, _ENTERED_AT: utc_text(now)})


def entered_again(document: Document, now: datetime) -> Document:
    """Return the account document with the time of its declaration begun anew, because a person asks for it.

    One that is refused begins anew once it is sent, see :func:`without_refusal`.
    """
    if not names_person(document) or is_refused(document):
        return document
    return put(document, Declaration.key, {**members(document.get(Declaration.key)), _ENTERED_AT: utc_text(now)})


def without_person(document: Mapping[str, Any]) -> Document:
    """Return the account document without what the household gave to be declared; what was declared stays."""
    found = members(document.get(Declaration.key))
    return put(document, Declaration.key, {key: value for key, value in found.items() if key in _KEPT} or None)


def without_old_person(document: Document, now: datetime) -> Document:
    """Return the account document without the person if a declaration is refused or unanswered for long.

    One that GRDF has never answered counts as refused from then on. Its moment goes, too: whoever is entered there by
    hand later has as much time.
    """
    found = members(document.get(Declaration.key))
    age = _age(found, now)
    if age is None or age < REFUSED_KEPT or not names_person(document):
        return document
    kept = {key: value for key, value in found.items() if key not in (*PERSON, _ENTERED_AT)}
    return put(document, Declaration.key, kept | {"refused": True})


def _age(found: Mapping[str, Any], now: datetime) -> timedelta | None:
    """Return how long ago a declaration was entered or refused, at least 0; ``None`` if no moment can be read."""
    try:
        return max(timedelta(), now - datetime.fromisoformat(str(found.get(_ENTERED_AT))))
    except (ValueError, TypeError, OverflowError):
        return None
