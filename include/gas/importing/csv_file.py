"""Reading a CSV file of households: its name, its format, and the cells of each line. Nothing is judged here."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

from include.gas.answers.words import fold
from include.gas.errors import BadRequest

COLUMNS = (
    "account", "pce", "name", "company", "postcode", "email", "phone", "perimeters", "first", "end", "calls_until",
)  # fmt: skip
REQUIRED = ("pce", "postcode", "email")
MOST_BYTES, MOST_LINES = 10_000_000, 10_000
"""Limits of a file. 10,000 lines have about 1.5 MB."""

RESULT = ".result.csv"
"""Ending of the file with what came of each line, beside the import's own."""

CUT = "it has fewer or more cells than the header"

_NAME = re.compile(r"(?![.-])[A-Za-z0-9._-]{1,100}\.csv")
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
"""A line as editors count them. ``str.splitlines`` also splits at characters that they do not."""
_STEP = "Nothing was sent to GRDF. Correct the file and start again."


@dataclass(frozen=True, slots=True)
class Line:
    """A line with a household.

    :param number: its number in the file as an editor shows it, from 1; the first one if it has a line break in a cell
    :param cells: texts by column, without the empty ones
    :param problem: why it has no cells that could be read
    """

    number: int
    cells: Mapping[str, str] = field(repr=False)
    problem: str = ""

    @property
    def key(self) -> str:
        """What tells its content from that of other lines, wherever it stands, and names nobody."""
        return blake2b(repr(sorted(self.cells.items())).encode(), digest_size=8).hexdigest()


def check_name(name: object) -> str:
    """Return the name of a file if it is one that an import may have.

    :raises BadRequest: if it is a path, hidden, not ``.csv``, or one that an import writes itself
    """
    if not isinstance(name, str) or not is_name(name) or name.endswith(RESULT):
        raise BadRequest.about(
            None,
            "the name of the file is not valid",
            "Nothing was done. Enter the name alone, without a folder: letters, digits, '-', '_' and '.', ending in "
            f".csv and not in {RESULT}.",
        )
    return name


def is_name(name: str) -> bool:
    """Return whether a file of an import, or its result, may have a name."""
    return bool(_NAME.fullmatch(name))


def result_name(name: str) -> str:
    """Return the name of the result of an import's file."""
    return name.removesuffix(".csv") + RESULT


def read_lines(content: bytes) -> list[Line]:
    """Return the lines of a file. Empty ones are left out.

    :param content: the file: UTF-8 with or without a byte order mark, with commas or semicolons, and a header
    :raises BadRequest: if it cannot be read as a whole; the text quotes nothing of it
    """
    if len(content) > MOST_BYTES:
        raise _wrong(f"it has more than {MOST_BYTES:,} bytes")
    text = _decoded(content)
    first = text.partition("\n")[0]
    rows = list(_rows(text, ";" if first.count(";") > first.count(",") else ","))
    if not 2 <= len(rows) <= MOST_LINES + 1:
        raise _wrong(f"it needs a header and 1 to {MOST_LINES:,} lines, with a household each")
    header = _header(*rows[0])
    return [_line(number, row, header) for number, row in rows[1:]]


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        raise _wrong(f"line {number} is not UTF-8. In a spreadsheet save it as 'CSV UTF-8'") from None


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not empty, each with the number of its first line."""
    reader = csv.reader(_LINE.findall(text), delimiter=delimiter, strict=True)
    number = 1
    try:
        for row in reader:
            cells = [cell.replace("\u00a0", " ").strip() for cell in row]
            if any(cells):
                yield number, cells
            number = reader.line_num + 1
    except csv.Error:
        raise _wrong(
            f"line {number} has quotation marks that are not closed or not doubled inside a cell, or a cell is too long"
        ) from None


def _header(number: int, names: list[str]) -> list[str]:
    header = [fold(name) for name in names]
    while header and not header[-1]:
        header.pop()
    known = {*header}
    has_needed = {*REQUIRED} <= known and {"name", "company"} & known
    if not has_needed or len(known) < len(header) or not known <= {*COLUMNS}:  # not quoted: it may be a household
        raise _wrong(
            f"line {number} is not a header with names of columns, each once: {', '.join(COLUMNS)}. It needs "
            f"{', '.join(REQUIRED)}, and name or company"
        )
    return header


def _line(number: int, row: list[str], header: list[str]) -> Line:
    if len(row) < len(header) or any(row[len(header) :]):
        return Line(number, {}, CUT)
    return Line(number, {name: cell for name, cell in zip(header, row, strict=False) if cell})


def _wrong(cause: str) -> BadRequest:
    return BadRequest.about(None, f"the file cannot be imported: {cause}", _STEP)
