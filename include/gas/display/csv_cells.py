"""Cells of CSV files, made safe for spreadsheets, which run some texts as formulas."""

from __future__ import annotations

import re

_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\r\n]")
"""Matches texts that a spreadsheet may run (OWASP, CSV Injection). Some spreadsheets ignore leading white space."""
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


def safe_cell(value: object) -> object:
    """Return a value that is safe in a cell: numbers are unchanged, and no text is run as a formula.

    :param value: a value from a document
    :return: the value; a text that a spreadsheet may run gets a leading apostrophe, which marks it as text
    """
    if value is None or isinstance(value, int | float):
        return value
    text = str(value)
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text
