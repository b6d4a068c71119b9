"""The lines of an import: each checked by itself, beside the others and beside what there is; what came of each."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, Literal

from include.gas.account.account import Account
from include.gas.account.connected import check_connectable, is_for_another
from include.gas.account.declared_right import wanted_right
from include.gas.account.sections.marks import Connected
from include.gas.account.sections.rights.declaration import CANNOT, Declaration, refusal_of, to_declare
from include.gas.account.sections.section import members
from include.gas.answers.access_rights import is_pce
from include.gas.answers.words import fold
from include.gas.display.csv_cells import safe_cell
from include.gas.documents.gas_days import check_account_id
from include.gas.errors import DeclarationRefused, FailNow
from include.gas.rights.meter_rights import Meter, lasting
from include.gas.rights.transitions import Asking, Taken, UnderWay, asked

Outcome = Literal["wrong", "connected", "to declare", "declared", "refused"]

CUT = "it has fewer or more cells than the header"
DIGITS_LOST = (
    "its pce or postcode has lost digits in a spreadsheet (a leading zero, or those of 9.9E+12); format the columns as "
    "text and enter them again"
)
BAD_ACCOUNT = "its account is not an id: 1 to 128 letters, digits, '_' and '-', not beginning with '_'"
TWICE = "its meter or its account is on several lines of the file, and nobody can tell which of them is right"
OTHER = "its account has or asks for another right; see the account, or import the household under another id"
TAKEN = "its meter is another account's, which Gas accounts finds by the meter's number"
CONNECTED = "it has a right to this meter already, or one that waits for its holder"
LEFT = "the household of its account has left, and no id is used twice; import it under another id, or without one"
BY = "import by "
"""How it begins who has connected an account by an import. It is stored and compared with: never reword it."""
DECLARED = "its right is declared, and its account says what comes of it"
RENEWS = "its right is in force until {}, and GRDF takes no other before: then it is declared by itself"

_DIGITS_LOST = re.compile(r"[0-9]{13}|[0-9][.,]?[0-9]*[eE]\+?[0-9]+")
_BETWEEN = re.compile(r"[\s|+,;]+")


@dataclass(frozen=True, slots=True)
class Checked:
    """A line after the check, and what has come of it.

    :param number: its number in the file
    :param account: the id of its account; ``""`` if it has none yet, or if the cell is no id
    :param outcome: ``wrong``; ``connected``: there is nothing to do; ``to declare``, until it is ``declared`` or
        ``refused``
    :param reason: the outcome in words, without anything from the line
    :param declaration: what the household gave; ``None`` for a line that is wrong by itself
    """

    number: int
    account: str
    outcome: Outcome = "to declare"
    reason: str = ""
    declaration: Declaration | None = field(default=None, repr=False)

    @property
    def pce(self) -> str:
        """Its meter; ``""`` for a line that is wrong by itself."""
        return self.declaration.pce if self.declaration else ""

    def came_to(self, outcome: Outcome, reason: str) -> Checked:
        """Return the line with its outcome."""
        return replace(self, outcome=outcome, reason=reason)


def check_lines(lines: Mapping[int, Mapping[str, str]]) -> list[Checked]:
    """Return all lines checked by themselves and against each other, in their order.

    :param lines: the cells by line number, see :func:`include.gas.importing.csv_file.read_lines`
    """
    found = [_alone(number, cells) for number, cells in lines.items()]
    meters, accounts = Counter(each.pce for each in found), Counter(each.account for each in found)
    return [
        each.came_to("wrong", TWICE)
        if each.declaration and (meters[each.pce] > 1 or (each.account and accounts[each.account] > 1))
        else each
        for each in found
    ]


def check_beside(
    line: Checked, document: Mapping[str, Any] | None, meter: Meter, who: Asking, *, began: str, left: bool = False
) -> Checked:
    """Return a good line checked against its account, and against what the ledger says of its meter.

    What this run has declared or GRDF has refused to it is done, whatever has become of it since: a run that was
    interrupted continues.

    :param document: the account's document; ``None`` if there is no such account
    :param meter: the line's meter
    :param who: the account that is to ask for it
    :param began: when the run of the import was started, UTC text
    :param left: whether the household of the account has left
    """
    assert line.declaration
    try:
        check_connectable(document)
    except FailNow as error:
        return line.came_to("wrong", error.cause)
    if left:
        return line.came_to("refused", LEFT)
    if document is not None:
        account = Account.from_document(document)
        # What an import has declared without an answer gives the account neither a meter nor a holder: it is corrected.
        named = {each.pce for each in account.meters if each.right or not account.declares}
        stands = any(right.goes_on(who.today) for right in meter.of(who.account))
        is_another = is_for_another(document, line.declaration) and (stands or not is_imported(document))
        if (named and meter.pce not in named) or is_another:
            return line.came_to("wrong", OTHER)
        if done := _done(line, document, meter, who, began):
            return done
    try:
        asked(meter, who, wanted_right(line.declaration))
    except Taken:
        return line.came_to("wrong", TAKEN)
    except UnderWay:
        pass  # by an earlier try, or the account's own run
    return line


def is_imported(document: Mapping[str, Any]) -> bool:
    """Return whether an import was the last that connected an account."""
    return str(members(document.get(Connected.key)).get("by")).startswith(BY)


def _done(line: Checked, document: Mapping[str, Any], meter: Meter, who: Asking, began: str) -> Checked | None:
    """Return a line that its account leaves nothing to do for; ``None`` if its right is to be declared."""
    assert line.declaration
    account, mine = Account.from_document(document), meter.of(who.account)
    if account.refused and _refused_at(document) >= began:
        return line.came_to("refused", refusal_of(document))
    lasts = lasting(meter, account.id, wanted_right(line.declaration), who.today)
    if not account.declares:
        is_new = any(right.since >= began and right.state != "asked" for right in mine)
        return line.came_to("connected", CONNECTED) if lasts or is_new else None
    standing = [right for right in mine if right.goes_on(who.today)]
    is_renewed = standing and not lasts and not account.refused
    return line.came_to("declared", RENEWS.format(standing[-1].over_on)) if is_renewed else None


def _refused_at(document: Mapping[str, Any]) -> str:
    declaration = Declaration.of(document)
    return declaration.entered_at if declaration else ""


def _alone(number: int, cells: Mapping[str, str]) -> Checked:
    """Return a line checked by itself."""
    account = cells.get("account", "")
    try:
        bare = Checked(number, check_account_id(account) if account else "")
    except ValueError:
        return Checked(number, "", "wrong", BAD_ACCOUNT)
    if not cells:
        return bare.came_to("wrong", CUT)
    pce, postcode = "".join(cells.get("pce", "").split()), cells.get("postcode", "")
    if _DIGITS_LOST.fullmatch(pce) or (re.fullmatch(r"[0-9]{4}", postcode) and is_pce(pce)):
        return bare.came_to("wrong", DIGITS_LOST)
    given: dict[str, Any] = {**cells, "pce": pce}
    given["perimeters"] = [fold(word) for word in _BETWEEN.split(cells.get("perimeters", "")) if word]
    try:
        return replace(bare, declaration=to_declare({"_id": account, Declaration.key: given}))
    except DeclarationRefused as error:
        return bare.came_to("wrong", error.cause.removeprefix(CANNOT))


def counts(lines: Iterable[Checked]) -> dict[str, int]:
    """Return how many lines have each outcome."""
    return dict(sorted(Counter(each.outcome for each in lines).items()))


def to_csv(lines: Iterable[Checked]) -> str:
    """Return the result file, which names neither a person nor a meter's number."""
    rows: list[str] = []
    writer = csv.writer(SimpleNamespace(write=rows.append))
    writer.writerow(("line", "account", "outcome", "reason"))
    writer.writerows((each.number, safe_cell(each.account), each.outcome, safe_cell(each.reason)) for each in lines)
    return "".join(rows)
