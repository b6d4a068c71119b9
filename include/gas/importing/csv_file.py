"""Reads a CSV file of households, buildings or groups, without judging its content."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Mapping
from typing import Literal

from include.gas.answers.french_words import fold
from include.gas.errors import BadRequest

COLUMNS = (
    "account", "pce", "name", "company", "postcode", "email", "phone", "perimeters", "first", "end", "calls_until",
)  # fmt: skip
REQUIRED = ("pce", "postcode", "email")
BUILDING_COLUMNS = ("building", "meter", "name", "first")
DIMENSIONS = ("programme", "building", "iris", "postcode")
"""Kinds of groups of accounts, in the order in which they are published: a large one can do without some households."""
Kind = Literal["households", "buildings", "groups"]
KINDS: Mapping[Kind, tuple[Collection[str], Collection[str]]] = {
    "households": (COLUMNS, REQUIRED),
    "buildings": (BUILDING_COLUMNS, BUILDING_COLUMNS[:3]),
    "groups": (("account", *DIMENSIONS), ("account",)),
}
"""Known and needed columns of each kind of file."""
MOST_BYTES, MOST_LINES = 10_000_000, 10_000
"""Limits of a file; 10,000 lines have about 1.5 MB."""

RESULT = ".result.csv"
"""Ending of the result file beside the import's own."""

_NAME = re.compile(r"(?![.-])[A-Za-z0-9._-]{1,100}\.csv")


def check_name(name: object) -> str:
    """Return the name of an import's file; ``BadRequest`` if it is a path, hidden, not ``.csv``, or a result."""
    if not isinstance(name, str) or not is_name(name) or name.endswith(RESULT):
        raise BadRequest.about(
            None,
            "the name of the file is not valid",
            "Nothing was done. Enter the name alone, without a folder: letters, digits, '-', '_' and '.', ending in "
            f".csv and not in {RESULT}.",
        )
    return name


def is_name(name: str) -> bool:
    """Return whether an import's file or result may have this name."""
    return bool(_NAME.fullmatch(name))


def result_name(name: str) -> str:
    """Return the name of the result of an import's file."""
    return name.removesuffix(".csv") + RESULT


def kind_of(content: bytes) -> Kind:
    """Return what a file is about, by its header."""
    first = content.lstrip().partition(b"\n")[0].decode("utf-8-sig", errors="replace")
    header = {*re.split(r'[,;"\s]+', first.lower())}
    groups = "account" in header and bool(header & {*DIMENSIONS}) and "pce" not in header
    return "buildings" if "meter" in header else "groups" if groups else "households"


def read_lines(content: bytes, kind: Kind = "households") -> dict[int, dict[str, str]]:
    """Return a UTF-8 CSV's cells by column and line number, from 1; ``BadRequest`` without quoting it."""
    if len(content) > MOST_BYTES:
        raise _wrong(f"it has more than {MOST_BYTES:,} bytes")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _wrong("it is not UTF-8. In a spreadsheet save it as 'CSV UTF-8'") from None
    first = text.partition("\n")[0]
    reader = csv.reader(
        text.splitlines(keepends=True), delimiter=";" if first.count(";") > first.count(",") else ",", strict=True
    )
    try:
        rows = [(reader.line_num, [cell.replace("\u00a0", " ").strip() for cell in row]) for row in reader]
    except csv.Error:
        raise _wrong(
            f"line {reader.line_num} has quotation marks that are not closed or not doubled inside a cell, or a cell "
            "is too long"
        ) from None
    rows = [row for row in rows if any(row[1])]
    if not 2 <= len(rows) <= MOST_LINES + 1:
        raise _wrong(f"it needs a header and 1 to {MOST_LINES:,} lines")
    header = _header(rows[0][1], kind)
    return {
        number: {}
        if len(row) < len(header) or any(row[len(header) :])
        else {name: cell for name, cell in zip(header, row, strict=False) if cell}
        for number, row in rows[1:]
    }


def _header(names: list[str], kind: Kind) -> list[str]:
    header, (columns, required) = [fold(name) for name in names], KINDS[kind]
    while header and not header[-1]:
        header.pop()
    known, is_named = {*header}, kind != "households" or {"name", "company"} & {*map(fold, names)}
    has_needed = {*required} <= known and is_named
    if not has_needed or len(known) < len(header) or not known <= {*columns}:  # not quoted: it may be a household
        either = ", and name or company" if kind == "households" else ""
        raise _wrong(
            f"its first line is not a header with names of columns, each once: {', '.join(columns)}. It needs "
            f"{', '.join(required)}{either}"
        )
    return header


def _wrong(cause: str) -> BadRequest:
    return BadRequest.about(
        None, f"the file cannot be imported: {cause}", "Nothing was done. Correct the file and start again."
    )
