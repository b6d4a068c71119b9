"""A right that we declare at GRDF for a household ("tiers direct"): what it entered, and what came of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

import msgspec

from include.gas.account.document_sections import object_or_empty, parse_entry, with_value
from include.gas.account.status import Status
from include.gas.answers.access_rights import PCE
from include.gas.answers.french_words import fold, fold_address
from include.gas.days.gas_day import parse_day, utc_text
from include.gas.documents.day_documents import Document
from include.gas.errors import DeclarationRefused

PERIMETERS = ("informatives", "publiees", "contractuelles", "techniques")
"""Parts of a right, in ADICT's words (3.6)."""
USUAL_PERIMETERS = PERIMETERS[:2]
DAYS = ("first", "end", "calls_until")
PERSON = ("name", "company", "postcode", "email", "phone")
_KEPT = ("pce", "perimeters", *DAYS)
_ENTERED_AT = "entered_at"
REFUSED_KEPT = timedelta(days=30)
"""How long personal data are kept after a refusal, or without an answer of GRDF."""
LONGEST = 100
"""In characters, of a name, an e-mail address or a phone number."""

OLDEST, LATEST = date(1990, 1, 1), date(2100, 1, 1)

_FORMS = {
    "pce": (PCE, "its pce is not a meter's number: 14 digits, or GI and 6 digits"),
    "postcode": (re.compile(r"[0-9]{5}"), "its postcode is not 5 digits"),
    "email": (re.compile(r"[^@\s;,<>]+@[^@\s;,<>]+\.[^@\s;,<>]+"), "its email is not an e-mail address"),
    "phone": (re.compile(r"(\+?[0-9 .-]{6,20})?"), "its phone is not a phone number"),
}


class Declaration(msgspec.Struct, frozen=True, omit_defaults=True):
    """The right to declare and, until GRDF has it, the holder's personal data.

    :param first: first gas day; absent for five years before the declaration
    :param end: gas day after the last one; absent for the day after ``calls_until``
    :param calls_until: last civil day on which GRDF may be asked; absent for three years after the declaration
    :param entered_at: UTC; when it was entered, refused or resent; absent once GRDF has the right
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
        """Return a text without personal data."""
        return "Declaration()"

    @property
    def holder(self) -> str:
        """The name of a person or a company."""
        return self.name or self.company

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Declaration | None:
        """Return the account's declaration; ``None`` if there is none or it cannot be read."""
        found = {key: each.strip() if isinstance(each, str) else each for key, each in _section(document).items()}
        return parse_entry(cls, {key: each for key, each in found.items() if each not in ("", None)}) if found else None


def checked_declaration(document: Mapping[str, Any]) -> Declaration:
    """Return the account's declaration; ``DeclarationRefused`` names a wrong field, not its content."""
    found, wrong = Declaration.from_document(document), wrong_fields(document)
    if wrong or found is None:
        field, what = next(iter(wrong.items()), ("declaration", "what else is noted there cannot be read"))
        raise DeclarationRefused.about(
            str(document.get("_id")),
            f"the declaration cannot be sent to GRDF: {what}",
            f"GRDF was not asked. {DeclarationRefused.default_step}",
            reason=field,
        )
    return msgspec.structs.replace(found, perimeters=found.perimeters or [*USUAL_PERIMETERS])


def declaration_section(declaration: Declaration) -> dict[str, Any]:
    """Return the account's section ``declaration``."""
    values = {name: getattr(declaration, name) for name in ("pce", "perimeters", *PERSON, *DAYS)}
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in values.items() if value}


def wrong_fields(document: Mapping[str, Any]) -> dict[str, str]:
    """Return a clause for each wrong field of the declaration, without the field's content."""
    found = _section(document)
    odd = {name: f"its {name} is not a short text" for name in ("pce", *PERSON) if not _is_text(found.get(name))}
    texts = {name: "" if name in odd else str(found.get(name) or "").strip() for name in ("pce", *PERSON)}
    wrong = {field: text for field, (form, text) in _FORMS.items() if not form.fullmatch(texts[field])}
    if bool(texts["name"]) == bool(texts["company"]):
        wrong["name"] = "it needs either name or company"
    perimeters = found.get("perimeters") or list(USUAL_PERIMETERS)
    if not isinstance(perimeters, list) or not {*map(str, perimeters)} <= {*PERIMETERS}:
        wrong["perimeters"] = f"its perimeters are not a list of {', '.join(PERIMETERS)}"
    elif "informatives" not in perimeters:
        wrong["perimeters"] = "its perimeters do not include informatives, the daily data"
    return odd | _wrong_days(found) | {field: text for field, text in wrong.items() if field not in odd}


def _wrong_days(found: Mapping[str, Any]) -> dict[str, str]:
    days: dict[str, date | None] = {}
    wrong: dict[str, str] = {}
    for name in DAYS:
        try:
            days[name] = day = _day(found, name)
        except ValueError:
            wrong[name] = f"its {name} is not a day such as 2026-11-27"
            continue
        if day and not OLDEST <= day <= LATEST:
            wrong[name] = f"a day is not between {OLDEST} and {LATEST}"
    first, end = days.get("first"), days.get("end")
    if first and end and first >= end:
        wrong.setdefault("end", "its end is not after first")
    return wrong


def has_personal_data(document: Mapping[str, Any]) -> bool:
    """Return whether an account holds a declaration that GRDF does not have yet."""
    return any(_section(document).get(name) for name in PERSON)


def is_same_holder(one: Declaration, other: Declaration) -> bool:
    """Return whether two declarations share the name or the e-mail address, whatever the case, accents and spaces."""
    names = [fold(each.holder) for each in (one, other)]
    addresses = [fold_address(each.email) for each in (one, other)]
    return any(mine and mine == theirs for mine, theirs in (names, addresses))


def is_refused(document: Mapping[str, Any]) -> bool:
    """Return whether a person has to correct the declaration."""
    return _section(document).get("refused") is True


def needs_declaration(document: Mapping[str, Any]) -> bool:
    """Return whether the next run declares the right."""
    return has_personal_data(document) and not is_refused(document)


def waits_for_meter(document: Mapping[str, Any]) -> bool:
    """Return whether the declaration waits until no other account has its meter, as of the last look."""
    given = Declaration.from_document(document) if needs_declaration(document) else None
    access = Status.access_of(document).get(given.pce) if given else None
    return access is not None and access.word == "behind"


def is_correctable(document: Mapping[str, Any]) -> bool:
    """Return whether another declaration may be entered instead: it was refused, or waits for a meter."""
    return is_refused(document) or waits_for_meter(document)


def refusal_text(document: Mapping[str, Any]) -> str:
    """Return what a person has to correct on the declaration; ``""`` if nothing."""
    because = _section(document).get("refused_because")
    return because if is_refused(document) and isinstance(because, str) else ""


def with_refusal(document: Mapping[str, Any], because: str, at: datetime, reason: str) -> Document:
    """Return the account document with a refusal in words without personal data, and for the page (``reason``)."""
    note = {"refused": True, "refused_because": because, "refused_reason": reason, _ENTERED_AT: utc_text(at)}
    return (
        with_value(document, Declaration.key, {**_section(document), **note})
        if has_personal_data(document)
        else dict(document)
    )


def with_resend(document: Document, now: datetime) -> Document:
    """Return the account document with its declaration as if just entered."""
    kept = {key: value for key, value in _section(document).items() if not key.startswith("refused")}
    return (
        with_value(document, Declaration.key, kept | {_ENTERED_AT: utc_text(now)})
        if has_personal_data(document)
        else document
    )


def with_entry_time(document: Document, now: datetime) -> Document:
    """Return the account document with the moment at which its declaration was first seen, unless it is known."""
    found = _section(document)
    if _age(found, now) is not None or not has_personal_data(document):
        return document
    return with_value(document, Declaration.key, {**found, _ENTERED_AT: utc_text(now)})


def without_person(document: Mapping[str, Any]) -> Document:
    """Return the account document without personal data; what was declared stays."""
    found = _section(document)
    return with_value(document, Declaration.key, {key: value for key, value in found.items() if key in _KEPT} or None)


def without_expired_person(document: Document, now: datetime) -> Document:
    """Remove personal data from a declaration refused or unanswered for 30 days. It counts as refused then.

    The moment goes too, so that an entry made by hand later gets as much time.
    """
    found = _section(document)
    age = _age(found, now)
    if age is None or age < REFUSED_KEPT or not has_personal_data(document):
        return document
    return with_value(
        document, Declaration.key, {**object_or_empty(without_person(document).get(Declaration.key)), "refused": True}
    )


def _age(found: Mapping[str, Any], now: datetime) -> timedelta | None:
    try:
        return max(timedelta(), now - datetime.fromisoformat(str(found.get(_ENTERED_AT))))
    except (ValueError, TypeError, OverflowError):
        return None


def _section(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the section with the meter's number normalised: people write it in groups and in small letters."""
    found = object_or_empty(document.get(Declaration.key))
    pce = found.get("pce")
    return {**found, "pce": "".join(pce.split()).upper()} if isinstance(pce, str) else found


def _is_text(value: object) -> bool:
    return value is None or (isinstance(value, str) and len(value) <= LONGEST and value.isprintable())


def _day(found: Mapping[str, Any], name: str) -> date | None:
    value = found.get(name)
    return None if value in (None, "") else parse_day(str(value))
