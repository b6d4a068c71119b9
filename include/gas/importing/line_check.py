"""The lines of an import, checked by themselves and against what exists, and their outcomes."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, Literal

from include.gas.account.account import Account
from include.gas.account.connection_documents import check_connectable, has_other_declaration
from include.gas.account.declaration import Declaration, checked_declaration, waits_for_meter, wrong_fields
from include.gas.account.declared_right import wanted_right
from include.gas.account.document_sections import object_or_empty
from include.gas.account.marks import ConnectedMark, has_withdrawn
from include.gas.answers.french_words import fold
from include.gas.display.csv_cells import safe_cell
from include.gas.documents.day_documents import check_account_id
from include.gas.errors import FailNow
from include.gas.rights.meter_rights import Meter, find_lasting_right
from include.gas.rights.transitions import Claimant

Outcome = Literal["wrong", "connected", "to declare", "declared", "waiting", "refused"]

CUT = "it has fewer or more cells than the header"
DIGITS_LOST = (
    "its pce or postcode has lost digits in a spreadsheet (a leading zero, or those of 9.9E+12); format the columns as "
    "text and enter them again"
)
BAD_ACCOUNT = "its account is not an id: 1 to 128 letters, digits, '_' and '-', not beginning with '_'"
TWICE = "its meter or its account is on several lines of the file, and it is not clear which of them is right"
OTHER = "its account has or asks for another right; see the account, or import the household under another id"
TAKEN = "another account has its meter: GRDF is asked whether it still does; if so, the line waits until it is free"
CONNECTED = "it has a right to this meter already, or one that waits for its holder"
LEFT = "the household of its account has left, and no id is used twice; import it under another id, or without one"
WITHDRAWN = "its household has withdrawn its consent; only the household itself, or its form, connects it again"
BY = "import by "
"""Beginning of ``by`` in accounts connected by an import. Stored and compared: never reword it."""
WAITS = "another account has its meter: it is declared by itself once that one's consent ends, if it does in 30 days"
DECLARED = "its right is declared, and its account says what comes of it"
RENEWS = "its right is in force until {}, and GRDF takes no other before: then it is declared by itself"

_DIGITS_LOST = re.compile(r"[0-9]{13}|[0-9][.,]?[0-9]*[eE]\+?[0-9]+")
_BETWEEN = re.compile(r"[\s|+,;]+")


@dataclass(frozen=True, slots=True)
class ImportLine:
    """A line of an import after its check, and its outcome, with a reason without anything from the line."""

    number: int
    account: str
    outcome: Outcome = "to declare"
    reason: str = ""
    declaration: Declaration | None = field(default=None, repr=False)

    @property
    def given(self) -> Declaration:
        """What the household entered; only of a line that is good by itself."""
        assert self.declaration
        return self.declaration

    def with_outcome(self, outcome: Outcome, reason: str) -> ImportLine:
        """Return the line with its outcome."""
        return replace(self, outcome=outcome, reason=reason)


def check_lines(lines: Mapping[int, Mapping[str, str]]) -> list[ImportLine]:
    """Return all lines checked by themselves and against each other, in order."""
    found = [_check_alone(number, cells) for number, cells in lines.items()]
    good = [each for each in found if each.declaration]
    meters, accounts = Counter(each.given.pce for each in good), Counter(each.account for each in found if each.account)
    twice = {each.number for each in good if meters[each.given.pce] > 1 or accounts[each.account] > 1}
    return [each.with_outcome("wrong", TWICE) if each.number in twice else each for each in found]


def check_against_account(
    line: ImportLine, document: Mapping[str, Any] | None, meter: Meter, who: Claimant, *, began: str, left: bool = False
) -> ImportLine:
    """Return a good line checked against its account. The ledger and GRDF decide on the meter.

    An interrupted run, ``began`` at a UTC text, continues: what it has declared, or GRDF has refused, is done.
    """
    try:
        check_connectable(document)
    except FailNow as error:
        return line.with_outcome("wrong", error.cause)
    if left or (document is not None and has_withdrawn(document)):
        return line.with_outcome("refused", LEFT if left else WITHDRAWN)
    if document is not None and (found := _against_account(line, document, meter, who, began)):
        return found
    is_taken = not who.shared and meter.rights_of_others(who.account, who.today)
    return line.with_outcome("to declare", TAKEN) if is_taken else line


def _against_account(
    line: ImportLine, document: Mapping[str, Any], meter: Meter, who: Claimant, began: str
) -> ImportLine | None:
    account, declaration, mine = (
        Account.from_document(document),
        Declaration.from_document(document),
        meter.rights_of(who.account),
    )
    if _is_other(line, document, account, stands=any(right.is_ongoing(who.today) for right in mine)):
        return line.with_outcome("wrong", OTHER)
    if declaration and declaration.entered_at >= began:
        if account.refused:
            return line.with_outcome("refused", declaration.refused_because)
        if waits_for_meter(document):
            return line.with_outcome("waiting", WAITS)
    is_new = any(right.since >= began and right.state != "asked" for right in mine)
    if not account.declares and (is_new or find_lasting_right(meter, who.account, wanted_right(line.given), who.today)):
        return line.with_outcome("connected", CONNECTED)
    return None


def _is_other(line: ImportLine, document: Mapping[str, Any], account: Account, *, stands: bool) -> bool:
    """Return whether an account has or asks for another right; an unanswered import does not count."""
    named = {each.pce for each in account.meters if each.right or not account.declares}
    is_another = has_other_declaration(document, line.given) and (stands or not is_imported(document))
    return is_another or bool(named and line.given.pce not in named)


def is_imported(document: Mapping[str, Any]) -> bool:
    """Return whether an import connected the account last."""
    return str(object_or_empty(document.get(ConnectedMark.key)).get("by")).startswith(BY)


def _check_alone(number: int, cells: Mapping[str, str]) -> ImportLine:
    account = cells.get("account", "")
    try:
        bare = ImportLine(number, check_account_id(account) if account else "")
    except ValueError:
        return ImportLine(number, "", "wrong", BAD_ACCOUNT)
    if not cells:
        return bare.with_outcome("wrong", CUT)
    if _DIGITS_LOST.fullmatch(cells.get("pce", "")) or re.fullmatch(r"[0-9]{4}", cells.get("postcode", "")):
        return bare.with_outcome("wrong", DIGITS_LOST)
    perimeters = [fold(word) for word in _BETWEEN.split(cells.get("perimeters", "")) if word]
    document = {"_id": account, Declaration.key: {**cells, "perimeters": perimeters}}
    for reason in wrong_fields(document).values():
        return bare.with_outcome("wrong", reason)
    return replace(bare, declaration=checked_declaration(document))


def result_csv(lines: Iterable[ImportLine]) -> str:
    """Return the result file, which names neither a person nor a meter."""
    rows: list[str] = []
    writer = csv.writer(SimpleNamespace(write=rows.append))
    writer.writerow(("line", "account", "outcome", "reason"))
    writer.writerows((each.number, safe_cell(each.account), each.outcome, safe_cell(each.reason)) for each in lines)
    return "".join(rows)


def read_result(content: bytes) -> tuple[Counter[str], list[dict[str, str]]]:
    """Return a result file's lines by outcome, and those that cannot be declared."""
    lines = list(csv.DictReader(content.decode().splitlines()))
    return Counter(each["outcome"] for each in lines), [
        each for each in lines if each["outcome"] in ("wrong", "refused")
    ]
