"""Checking the lines of an import before anything is sent: each by itself, against each other, and against accounts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Literal

from include.gas.account.account import ACCOUNT_TYPE
from include.gas.account.declaration_check import CANNOT, to_declare
from include.gas.account.declaring import terms_of
from include.gas.account.sections.marks import leaving
from include.gas.account.sections.rights.declaration import Declaration, is_refused
from include.gas.answers.access_rights import is_pce
from include.gas.answers.words import fold
from include.gas.documents.gas_days import check_account_id
from include.gas.errors import DeclarationRefused
from include.gas.importing.csv_file import Line
from include.gas.importing.holdings import Holdings, declared_meter, known_meters
from include.gas.importing.import_records import is_imported
from include.gas.rights.meter_rights import Meter
from include.gas.rights.transitions import lasting

Verdict = Literal["wrong", "connected", "being declared", "open"]

ZERO_LOST = (
    "its pce has 13 digits: the spreadsheet has removed the leading zero; format the column as text and enter it again"
)
ROUNDED = (
    "its pce is a rounded number such as 9.9E+12: the spreadsheet has lost digits; format the column as text and enter "
    "it again"
)
POSTCODE_CUT = (
    "its postcode has 4 digits: the spreadsheet has removed the leading zero; format the column as text and enter it "
    "again"
)
BAD_ACCOUNT = "its account is not an id: 1 to 128 letters, digits, '_' and '-', not beginning with '_'"
METER_TWICE = "its meter is on several lines of the file, and nobody can tell which of them is right"
ACCOUNT_TWICE = "its account is on several lines of the file, and nobody can tell which of them is right"
NOT_OURS = "its account's id is that of a document of another service"
UNREADABLE = "its account exists, but its document cannot be understood"
LEAVING = "its account is being deleted"
OTHER_METER = "its account exists with another meter; import the household under another id"
BEING_DECLARED = (
    "another way in is declaring its right now, and is left alone. See its account; if that does not come to an end, "
    "delete it and import the household again"
)
TAKEN = "its meter is another account's"
CONNECTED = "it is connected with this meter already"
LEFT = "the household of its account has left, and no id is used twice; import it under another id, or without one"

_ROUNDED = re.compile(r"[0-9][.,]?[0-9]*[eE]\+?[0-9]+")
_BETWEEN = re.compile(r"[\s|+,;]+")


@dataclass(frozen=True, slots=True)
class Checked:
    """A line after the check.

    :param number: its number in the file
    :param account: the id of its account; ``""`` if it has none yet, or if the cell is no id
    :param verdict: ``wrong``; ``connected``: there is nothing to do; ``being declared``: another way in is doing it;
        ``open``
    :param reason: the verdict in words, one of a few fixed sentences without anything from the line
    :param detail: what the sentence is about, for the result file alone
    :param declaration: what the household gave; ``None`` for a wrong line
    :param key: as :attr:`Line.key`
    """

    number: int
    account: str
    verdict: Verdict = "open"
    reason: str = ""
    detail: str = ""
    declaration: Declaration | None = field(default=None, repr=False)
    key: str = ""


def check_lines(
    lines: Iterable[Line],
    holdings: Holdings,
    today: date,
    *,
    knows: Callable[[str, Declaration], bool] = lambda *_: False,
    several: bool = False,
) -> list[Checked]:
    """Return all lines checked, in their order.

    :param today: civil date in Paris
    :param knows: whether an account is known to be that of the household that somebody has entered
    :param several: whether a meter may be in several accounts
    """
    found = [_alone(line) for line in lines]
    meters = Counter(each.declaration.pce for each in found if each.declaration)
    accounts = Counter(each.account for each in found if each.account)
    for at, each in enumerate(found):
        if each.declaration is None:
            continue
        if meters[each.declaration.pce] > 1:
            found[at] = _wrong(each, METER_TWICE)
        elif accounts[each.account] > 1:
            found[at] = _wrong(each, ACCOUNT_TWICE)
        else:
            pce = each.declaration.pce
            account = each.account or holdings.declaring(each.declaration)
            other = "" if several else holdings.holder(pce, today, but=account)
            if not account and other and knows(other, each.declaration):
                account, other = other, ""
            found[at] = _beside(replace(each, account=account), holdings, holdings.meter(pce), today, other)
    return found


def _beside(line: Checked, holdings: Holdings, meter: Meter, today: date, other: str) -> Checked:
    """Return a line checked against its account and the other one that has the meter, if there are such."""
    if line.account in holdings.left:
        return _wrong(line, LEFT)
    document = holdings.documents.get(line.account)
    found = beside_account(line, document, meter, today) if document else line
    return _wrong(line, TAKEN, f"account {other}") if other and found.verdict == "open" else found


def beside_account(line: Checked, document: Mapping[str, Any], meter: Meter, today: date) -> Checked:
    """Return a good line checked against its own account; it stays open if that is to be given the meter.

    :param document: the account's document
    :param meter: the line's meter
    :param today: civil date in Paris
    """
    assert line.declaration
    if document.get("account_type") != ACCOUNT_TYPE:
        return _wrong(line, NOT_OURS)
    if leaving(document) is not None:
        return _wrong(line, LEAVING)
    named, asked = known_meters(document, line.account), declared_meter(document)
    if named is None:
        return _wrong(line, UNREADABLE)
    brings = meter.pce in named and not meter.of(line.account)
    if brings or lasting(meter, line.account, terms_of(line.declaration), today):
        return replace(line, verdict="connected", reason=CONNECTED)
    if (named and meter.pce not in named) or asked not in ("", meter.pce):
        return _wrong(line, OTHER_METER)
    if asked and not is_refused(document) and not is_imported(document):
        return replace(line, verdict="being declared", reason=BEING_DECLARED)
    return line


def _alone(line: Line) -> Checked:
    """Return a line checked by itself."""
    account = line.cells.get("account", "")
    try:
        bare = Checked(line.number, check_account_id(account) if account else "", key=line.key)
    except ValueError:
        return Checked(line.number, "", "wrong", BAD_ACCOUNT)
    if line.problem:
        return _wrong(bare, line.problem)
    pce, postcode = "".join(line.cells.get("pce", "").split()), line.cells.get("postcode", "")
    if _ROUNDED.fullmatch(pce):
        return _wrong(bare, ROUNDED)
    if re.fullmatch(r"[0-9]{13}", pce):
        return _wrong(bare, ZERO_LOST)
    if re.fullmatch(r"[0-9]{4}", postcode) and is_pce(pce):
        return _wrong(bare, POSTCODE_CUT)
    given: dict[str, Any] = {**line.cells, "pce": pce}
    given["perimeters"] = [fold(word) for word in _BETWEEN.split(line.cells.get("perimeters", "")) if word]
    try:
        declaration = to_declare({"_id": account, Declaration.key: given})
    except DeclarationRefused as error:
        return _wrong(bare, error.cause.removeprefix(CANNOT))
    return replace(bare, declaration=declaration)


def _wrong(line: Checked, reason: str, detail: str = "") -> Checked:
    return replace(line, verdict="wrong", reason=reason, detail=detail, declaration=None)
