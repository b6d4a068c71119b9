"""What came of each line of an import: its result file, and its report for the log. Neither names a person or meter."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Container, Iterable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Literal

from include.gas.display.csv_cells import safe_cell
from include.gas.importing.line_check import Checked

Outcome = Literal["wrong", "connected", "being declared", "to declare", "declared", "refused", "left"]
"""``to declare`` is the outcome of a dry run; ``left``: the household was deleted while the import was in progress."""
_COLUMNS, _KEY = ("line", "account", "outcome", "reason"), "content"

IN_LOG = 50
"""Numbers of lines in the log, for each reason. The result file has all."""


FINAL: Container[str] = ("declared", "refused", "left")
"""The outcomes of lines that the next try leaves alone."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one line.

    :param number: its number in the file
    :param account: its account's id; ``""`` if it has none
    :param outcome: in a word
    :param reason: a sentence, the same for all lines with that reason
    :param detail: what the sentence is about; not logged
    :param key: what tells the line from others, while its import has not ended
    """

    number: int
    account: str
    outcome: Outcome
    reason: str = ""
    detail: str = ""
    key: str = ""


def result_of(line: Checked) -> Result:
    """Return the result of a line with which nothing is done, or in a dry run of an open one."""
    outcome: Outcome = "to declare" if line.verdict == "open" else line.verdict
    return Result(line.number, line.account, outcome, line.reason, line.detail)


def to_csv(results: Iterable[Result], *, ended: bool = False) -> str:
    """Return the result file, in the order of the lines.

    :param ended: whether the import has ended, so that no try has to know its lines any more
    """
    rows: list[str] = []
    writer = csv.writer(SimpleNamespace(write=rows.append))
    writer.writerow((*_COLUMNS, *(() if ended else (_KEY,))))
    for each in sorted(results, key=lambda result: result.number):
        reason = f"{each.reason} ({each.detail})" if each.detail else each.reason
        row = (each.number, safe_cell(each.account), each.outcome, safe_cell(reason))
        writer.writerow(row if ended else (*row, each.key if each.outcome in FINAL else ""))
    return "".join(rows)


def done_before(text: str | None) -> dict[str, Result]:
    """Return the results of lines that were worked off in earlier tries of an import, by the lines' keys.

    :param text: the text of the result file; ``None`` if there is none
    """
    rows: Any = csv.DictReader((text or "").splitlines())
    return {
        row[_KEY]: Result(0, row["account"].removeprefix("'"), row["outcome"], row["reason"], key=row[_KEY])
        for row in rows
        if row.get(_KEY) and row["outcome"] in FINAL
    }


def is_final(text: str | None) -> bool:
    """Return whether a result is that of an import that has ended, rather than of a check or a try of it.

    :param text: the text of the result file; ``None`` if there is none
    """
    return (text or "").splitlines()[:1] == [",".join(_COLUMNS)]


def counts(results: Iterable[Result]) -> dict[str, int]:
    """Return how many lines have each outcome."""
    return dict(sorted(Counter(each.outcome for each in results).items()))


def report(results: Iterable[Result], outcome: Outcome) -> list[str]:
    """Return a sentence for each reason of an outcome, with the numbers of its first lines."""
    lines: dict[str, list[int]] = {}
    for each in sorted(results, key=lambda result: result.number):
        if each.outcome == outcome:
            lines.setdefault(each.reason, []).append(each.number)
    return [
        f"{len(numbers)} line(s): {reason}. Line {', '.join(map(str, numbers[:IN_LOG]))}"
        + (f" and {len(numbers) - IN_LOG} more" if len(numbers) > IN_LOG else "")
        for reason, numbers in sorted(lines.items(), key=lambda item: -len(item[1]))
    ]
