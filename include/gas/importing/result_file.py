"""What came of each line of an import: its result file, and its report for the log. Neither names a person or meter."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Literal

from include.gas.display.csv_cells import safe_cell

Outcome = Literal["wrong", "connected", "being declared", "to declare", "declared", "refused", "left", "not reached"]
"""``to declare`` is the outcome of a dry run; ``left``: the household was deleted while the import was in progress."""

IN_LOG = 50
"""Numbers of lines in the log, for each reason. The result file has all."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one line.

    :param number: its number in the file
    :param account: its account's id; ``""`` if it has none
    :param outcome: in a word
    :param reason: a sentence, the same for all lines with that reason
    :param detail: what the sentence is about; not logged
    """

    number: int
    account: str
    outcome: Outcome
    reason: str = ""
    detail: str = ""


def to_csv(results: Iterable[Result]) -> str:
    """Return the result file, in the order of the lines."""
    rows: list[str] = []
    writer = csv.writer(SimpleNamespace(write=rows.append))
    writer.writerow(("line", "account", "outcome", "reason"))
    for each in sorted(results, key=lambda result: result.number):
        reason = f"{each.reason} ({each.detail})" if each.detail else each.reason
        writer.writerow((each.number, safe_cell(each.account), each.outcome, safe_cell(reason)))
    return "".join(rows)


def is_final(text: str | None) -> bool:
    """Return whether a result is that of an import that has ended, rather than of a check of its lines.

    :param text: the text of the result file; ``None`` if there is none
    """
    outcomes = {row.get("outcome") for row in csv.DictReader((text or "").splitlines())}
    return "to declare" not in outcomes and bool(outcomes & {"declared", "refused", "left"})


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
