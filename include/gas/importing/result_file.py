"""What came of each line of an import, as its result file says it, without a person or a meter."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from include.gas.display.csv_cells import safe_cell
from include.gas.importing.line_check import Checked

_COLUMNS, _KEY = ("line", "account", "outcome", "reason"), "content"

FINAL = ("declared", "refused")
"""The outcomes of lines that the next try leaves alone."""


def to_csv(lines: Iterable[Checked], *, ended: bool = False) -> str:
    """Return the result file, in the order of the lines.

    :param ended: whether the import has ended, so that no try has to know its lines any more
    """
    rows: list[str] = []
    writer = csv.writer(SimpleNamespace(write=rows.append))
    writer.writerow((*_COLUMNS, *(() if ended else (_KEY,))))
    for each in sorted(lines, key=lambda line: line.number):
        row = (each.number, safe_cell(each.account), each.outcome, safe_cell(each.reason))
        writer.writerow(row if ended else (*row, each.key if each.outcome in FINAL else ""))
    return "".join(rows)


def with_done(lines: Iterable[Checked], text: str) -> list[Checked]:
    """Return lines with what earlier tries of the import have done.

    :param text: the text of the result file; ``""`` if there is none
    """
    rows: Any = csv.DictReader(text.splitlines())
    done: dict[str, Mapping[str, Any]] = {row[_KEY]: row for row in rows if row.get(_KEY)}
    return [
        replace(each, account=row["account"].removeprefix("'"), outcome=row["outcome"], reason=row["reason"])
        if each.declaration and (row := done.get(each.key))
        else each
        for each in lines
    ]


def counts(lines: Iterable[Checked]) -> dict[str, int]:
    """Return how many lines have each outcome."""
    return dict(sorted(Counter(each.outcome for each in lines).items()))
