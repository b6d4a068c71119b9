"""Checking the lines of an import before anything is sent: each by itself, against each other, and against accounts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from include.gas.account.declaration_check import CANNOT, to_declare
from include.gas.account.sections.rights.declaration import Declaration
from include.gas.answers.access_rights import is_pce
from include.gas.answers.words import fold
from include.gas.documents.gas_days import check_account_id
from include.gas.errors import DeclarationRefused
from include.gas.importing.csv_file import Line
from include.gas.importing.holdings import Holding, Holdings

Verdict = Literal["wrong", "connected", "being declared", "declared", "left", "open"]

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
DECLARED = "its right is declared"

_ROUNDED = re.compile(r"[0-9][.,]?[0-9]*[eE]\+?[0-9]+")
_BETWEEN = re.compile(r"[\s|+,;]+")


@dataclass(frozen=True, slots=True)
class Checked:
    """A line after the check.

    :param number: its number in the file
    :param account: the id of its account; ``""`` if none is known, or if the cell is no id
    :param verdict: ``wrong``; ``connected``: there is nothing to do; ``being declared``: another way in is doing it;
        ``declared``: this import has done it; ``left``: it has, and the household is leaving; ``open``
    :param reason: the verdict in words, one of a few fixed sentences without anything from the line
    :param detail: what the sentence is about, for the result file alone
    :param declaration: what the household gave; ``None`` for a wrong line
    """

    number: int
    account: str
    verdict: Verdict = "open"
    reason: str = ""
    detail: str = ""
    declaration: Declaration | None = field(default=None, repr=False)


def check_lines(
    lines: Iterable[Line],
    holdings: Holdings,
    *,
    ids: Mapping[int, str],
    recorded: Mapping[tuple[str, str], str] | None = None,
    several: bool = False,
) -> list[Checked]:
    """Return all lines checked, in their order.

    :param ids: accounts of the lines whose cell is empty, by number; a dry run may lack them
    :param recorded: by account and meter, when this import has recorded the consent, UTC text
    :param several: whether a meter may be in several accounts
    """
    found = [_alone(line, ids.get(line.number, "")) for line in lines]
    meters = Counter(each.declaration.pce for each in found if each.declaration)
    accounts = Counter(each.account for each in found if each.account)
    checked: list[Checked] = []
    for each in found:
        if each.declaration is None:
            checked.append(each)
        elif meters[each.declaration.pce] > 1:
            checked.append(_wrong(each, METER_TWICE))
        elif accounts[each.account] > 1 and each.account:
            checked.append(_wrong(each, ACCOUNT_TWICE))
        else:
            checked.append(_beside(each, each.declaration, holdings, recorded or {}, several=several))
    return checked


def _alone(line: Line, chosen: str) -> Checked:
    """Return a line checked by itself."""
    account = line.cells.get("account", "") or chosen
    try:
        bare = Checked(line.number, check_account_id(account) if account else "")
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


def _beside(
    line: Checked,
    declaration: Declaration,
    holdings: Holdings,
    recorded: Mapping[tuple[str, str], str],
    *,
    several: bool,
) -> Checked:
    """Return a line checked against the accounts that exist."""
    pce = declaration.pce
    before = holdings.of(line.account) if line.account else None
    if before is not None and (found := _again(line, pce, before, recorded.get((line.account, pce), ""))):
        return found
    holder = "" if several else holdings.holder(pce, but=line.account)
    return _wrong(line, TAKEN, f"account {holder}") if holder else line


def _again(line: Checked, pce: str, before: Holding, since: str) -> Checked | None:
    """Return a line checked against its own account; ``None`` if that is to be given the meter.

    :param since: when this import has recorded the consent, UTC text; ``""`` if it has not
    """
    if not before.is_ours:
        return _wrong(line, NOT_OURS)
    if before.is_leaving:
        return replace(line, verdict="left", reason=LEAVING) if since else _wrong(line, LEAVING)
    if not before.is_readable:
        return _wrong(line, UNREADABLE)
    if since and pce in before.meters and before.declares != pce and before.declared >= since:
        return replace(line, verdict="declared", reason=DECLARED)
    if before.meters.get(pce):
        return replace(line, verdict="connected", reason=CONNECTED)
    if (before.meters and pce not in before.meters) or before.declares not in ("", pce):
        return _wrong(line, OTHER_METER)
    if before.is_pending and not since:
        return replace(line, verdict="being declared", reason=BEING_DECLARED)
    return None


def _wrong(line: Checked, reason: str, detail: str = "") -> Checked:
    return replace(line, verdict="wrong", reason=reason, detail=detail, declaration=None)
