"""Checking the lines of an import before anything is sent: each by itself, against each other, and against accounts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from include.gas.account.account import Account
from include.gas.account.declaration_check import CANNOT, to_declare
from include.gas.account.declaring import terms_of
from include.gas.account.sections.marks import Connected
from include.gas.account.sections.rights.declaration import Declaration
from include.gas.account.sections.section import members
from include.gas.answers.access_rights import is_pce
from include.gas.answers.words import fold
from include.gas.documents.gas_days import check_account_id
from include.gas.errors import BadAccount, DeclarationRefused
from include.gas.importing.csv_file import Line
from include.gas.rights.meter_rights import Meter
from include.gas.rights.transitions import Asking, Taken, UnderWay, asked, lasting

Outcome = Literal["wrong", "connected", "to declare", "declared", "refused"]
BY = "import by "
"""How it begins who recorded a consent. It is stored and compared with: never reword it."""

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
LEAVING = "its account is being deleted"
OTHER_METER = "its account exists with another meter; import the household under another id"
BEING_DECLARED = (
    "another way in is declaring its right now, and is left alone. See its account; if that does not come to an end, "
    "delete it and import the household again"
)
TAKEN = "its meter is another account's, which Gas accounts finds by the meter's number"
CONNECTED = "it is connected with this meter already"
LEFT = "the household of its account has left, and no id is used twice; import it under another id, or without one"

_ROUNDED = re.compile(r"[0-9][.,]?[0-9]*[eE]\+?[0-9]+")
_BETWEEN = re.compile(r"[\s|+,;]+")


@dataclass(frozen=True, slots=True)
class Checked:
    """A line after the check, and what has come of it.

    :param number: its number in the file
    :param account: the id of its account; ``""`` if it has none yet, or if the cell is no id
    :param outcome: ``wrong``; ``connected``: there is nothing to do; ``to declare``, until it is ``declared`` or
        ``refused``
    :param reason: the outcome in words, without anything from the line
    :param declaration: what the household gave; ``None`` for a wrong line
    :param key: as :attr:`Line.key`
    """

    number: int
    account: str
    outcome: Outcome = "to declare"
    reason: str = ""
    declaration: Declaration | None = field(default=None, repr=False)
    key: str = ""

    @property
    def pce(self) -> str:
        """Its meter; ``""`` for a wrong line."""
        return self.declaration.pce if self.declaration else ""


def check_lines(lines: Iterable[Line]) -> list[Checked]:
    """Return all lines checked by themselves and against each other, in their order."""
    found = [_alone(line) for line in lines]
    meters = Counter(each.pce for each in found if each.pce)
    accounts = Counter(each.account for each in found if each.account)
    for at, each in enumerate(found):
        if meters[each.pce] > 1:
            found[at] = wrong(each, METER_TWICE)
        elif each.declaration and accounts[each.account] > 1:
            found[at] = wrong(each, ACCOUNT_TWICE)
    return found


def check_beside(
    line: Checked, document: Mapping[str, Any] | None, meter: Meter, who: Asking, *, left: bool = False
) -> Checked:
    """Return a good line checked against its account, and against what the ledger says of its meter.

    :param document: the account's document; ``None`` if there is no such account
    :param meter: the line's meter
    :param who: the account that is to ask for it
    :param left: whether the household of the account has left
    """
    assert line.declaration
    terms = terms_of(line.declaration)
    if left:
        return wrong(line, LEFT)
    if document is not None:
        try:
            account = Account.from_document(document)
        except BadAccount as error:
            return wrong(line, error.cause)
        if account.leaving:
            return wrong(line, LEAVING)
        if lasting(meter, account.id, terms, who.today) and not account.declares:  # else an earlier try was killed
            return replace(line, outcome="connected", reason=CONNECTED)
        if account.meters and meter.pce not in {each.pce for each in account.meters}:
            return wrong(line, OTHER_METER)
        if account.declares and not account.refused and not _is_imported(document):
            return replace(line, outcome="connected", reason=BEING_DECLARED)
    try:
        asked(meter, who, terms)
    except Taken:
        return wrong(line, TAKEN)
    except UnderWay:
        pass  # by an earlier try, or the account's own run
    return line


def _is_imported(document: Mapping[str, Any]) -> bool:
    """Return whether an import was the last that connected an account."""
    return str(members(document.get(Connected.key)).get("by") or "").startswith(BY)


def _alone(line: Line) -> Checked:
    """Return a line checked by itself."""
    account = line.cells.get("account", "")
    try:
        bare = Checked(line.number, check_account_id(account) if account else "", key=line.key)
    except ValueError:
        return Checked(line.number, "", "wrong", BAD_ACCOUNT)
    if line.problem:
        return wrong(bare, line.problem)
    pce, postcode = "".join(line.cells.get("pce", "").split()), line.cells.get("postcode", "")
    if _ROUNDED.fullmatch(pce):
        return wrong(bare, ROUNDED)
    if re.fullmatch(r"[0-9]{13}", pce):
        return wrong(bare, ZERO_LOST)
    if re.fullmatch(r"[0-9]{4}", postcode) and is_pce(pce):
        return wrong(bare, POSTCODE_CUT)
    given: dict[str, Any] = {**line.cells, "pce": pce}
    given["perimeters"] = [fold(word) for word in _BETWEEN.split(line.cells.get("perimeters", "")) if word]
    try:
        declaration = to_declare({"_id": account, Declaration.key: given})
    except DeclarationRefused as error:
        return wrong(bare, error.cause.removeprefix(CANNOT))
    return replace(bare, declaration=declaration)


def wrong(line: Checked, reason: str) -> Checked:
    """Return a line that is wrong."""
    return replace(line, outcome="wrong", reason=reason, declaration=None)
