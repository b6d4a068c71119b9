"""Checking what a household gave for a right to be declared, before GRDF is asked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

import msgspec

from include.gas.account.sections.rights.declaration import PERIMETERS, PERSON, Declaration
from include.gas.account.sections.section import members
from include.gas.answers.access_rights import PCE
from include.gas.days.gas_day import parse_day
from include.gas.errors import DeclarationRefused

USUAL_PERIMETERS = PERIMETERS[:2]
DAYS = ("first", "end", "calls_until")
LONGEST = 100
"""Maximum length of a name, an e-mail address or a phone number, in characters."""

OLDEST, LATEST = date(1990, 1, 1), date(2100, 1, 1)
"""Days that a right may name."""

CANNOT = "the declaration cannot be sent to GRDF: "
"""How the cause begins of each :class:`DeclarationRefused` of this module."""

_FORMS = {
    "pce": (PCE, "its pce is not a meter's number: 14 digits, or GI and 6 digits"),
    "postcode": (re.compile(r"[0-9]{5}"), "its postcode is not 5 digits"),
    "email": (re.compile(r"[^@\s;,<>]+@[^@\s;,<>]+\.[^@\s;,<>]+"), "its email is not an e-mail address"),
    "phone": (re.compile(r"(\+?[0-9 .-]{6,20})?"), "its phone is not a phone number"),
}


def to_declare(document: Mapping[str, Any]) -> Declaration:
    """Return the declaration that an account asks for, checked.

    :raises DeclarationRefused: if something is missing or wrong; the text names the field and not what is in it
    """
    found, account = members(document.get(Declaration.key)), str(document.get("_id"))
    for field, wrong in wrong_fields(document).items():
        raise _wrong(account, field, wrong)
    texts = {name: str(found.get(name) or "").strip() for name in ("pce", *PERSON)}
    days = {name: _day(found, name) for name in DAYS}
    perimeters = found.get("perimeters") or USUAL_PERIMETERS
    noted = Declaration.of(document) or Declaration()
    return msgspec.structs.replace(noted, **texts, **days, perimeters=[str(each) for each in perimeters])


def given_by(declaration: Declaration) -> dict[str, Any]:
    """Return the section ``declaration`` of an account for what a household gave."""
    values = {name: getattr(declaration, name) for name in ("pce", "perimeters", *PERSON, *DAYS)}
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in values.items() if value}


def wrong_fields(document: Mapping[str, Any]) -> dict[str, str]:
    """Return what is wrong with the declaration that an account asks for: a clause for each field, without its content.

    Without a name and a company, and with both, it is ``name`` that is wrong.
    """
    found = members(document.get(Declaration.key))
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


def _is_text(value: object) -> bool:
    return value is None or (isinstance(value, str) and len(value) <= LONGEST and value.isprintable())


def _day(found: Mapping[str, Any], name: str) -> date | None:
    value = found.get(name)
    return None if value in (None, "") else parse_day(str(value))


def _wrong(account: str, field: str, wrong: str) -> DeclarationRefused:
    return DeclarationRefused.about(
        account,
        f"{CANNOT}{wrong}",
        "GRDF was not asked. Correct the declaration in the account's document, then start a run of its DAG.",
        reason=field,
    )
