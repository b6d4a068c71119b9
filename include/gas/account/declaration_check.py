"""Checking what a household gave for a right to be declared, before GRDF is asked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

import msgspec

from include.gas.account.sections.declaration import PERIMETERS, PERSON, Declaration
from include.gas.account.sections.section import members
from include.gas.answers.access_rights import is_pce
from include.gas.days.gas_day import parse_day
from include.gas.errors import DeclarationRefused

USUAL_PERIMETERS = PERIMETERS[:2]
LONGEST = 100
"""Maximum length of a name, an e-mail address or a phone number, in characters."""

OLDEST, LATEST = date(1990, 1, 1), date(2100, 1, 1)
"""Days that a right may name."""

CANNOT = "the declaration cannot be sent to GRDF: "
"""How the cause begins of each :class:`DeclarationRefused` of this module."""

_EMAIL = re.compile(r"[^@\s;,<>]+@[^@\s;,<>]+\.[^@\s;,<>]+")


def to_declare(document: Mapping[str, Any]) -> Declaration:
    """Return the declaration that an account asks for, checked.

    :raises DeclarationRefused: if something is missing or wrong; the text names the field and not what is in it
    """
    found, account = members(document.get(Declaration.key)), str(document.get("_id"))
    texts = {name: _text(found, name, account) for name in ("pce", *PERSON)}
    wrong = ""
    if not is_pce(texts["pce"]):
        wrong = "its pce is not a meter's number: 14 digits, or GI and 6 digits"
    elif bool(texts["name"]) == bool(texts["company"]):
        wrong = "it needs either name or company"
    elif not re.fullmatch(r"[0-9]{5}", texts["postcode"]):
        wrong = "its postcode is not 5 digits"
    elif not _EMAIL.fullmatch(texts["email"]):
        wrong = "its email is not an e-mail address"
    elif texts["phone"] and not re.fullmatch(r"\+?[0-9 .-]{6,20}", texts["phone"]):
        wrong = "its phone is not a phone number"
    perimeters = found.get("perimeters") or list(USUAL_PERIMETERS)
    if not isinstance(perimeters, list) or not {*map(str, perimeters)} <= {*PERIMETERS}:
        wrong = wrong or f"its perimeters are not a list of {', '.join(PERIMETERS)}"
    elif "informatives" not in perimeters:
        wrong = wrong or "its perimeters do not include informatives, the daily data"
    days = {name: _day(found, name, account) for name in ("first", "end", "calls_until")}
    if any(day and not OLDEST <= day <= LATEST for day in days.values()):
        wrong = wrong or f"a day is not between {OLDEST} and {LATEST}"
    if days["first"] and days["end"] and days["first"] >= days["end"]:
        wrong = wrong or "its end is not after first"
    if wrong:
        raise _wrong(account, wrong)
    noted = Declaration.of(document) or Declaration()
    return msgspec.structs.replace(
        noted,
        pce=texts["pce"],
        name=texts["name"],
        company=texts["company"],
        postcode=texts["postcode"],
        email=texts["email"],
        phone=texts["phone"],
        perimeters=[str(each) for each in perimeters],
        first=days["first"],
        end=days["end"],
        calls_until=days["calls_until"],
    )


def _text(found: Mapping[str, Any], name: str, account: str) -> str:
    value = found.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > LONGEST or not value.isprintable():
        raise _wrong(account, f"its {name} is not a short text")
    return value.strip()


def _day(found: Mapping[str, Any], name: str, account: str) -> date | None:
    value = found.get(name)
    if value in (None, ""):
        return None
    try:
        return parse_day(str(value))
    except ValueError:
        raise _wrong(account, f"its {name} is not a day such as 2026-11-27") from None


def _wrong(account: str, wrong: str) -> DeclarationRefused:
    return DeclarationRefused.about(
        account,
        f"{CANNOT}{wrong}",
        "GRDF was not asked. Correct the declaration in the account's document, then start a run of its DAG.",
    )
