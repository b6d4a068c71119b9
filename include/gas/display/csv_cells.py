"""Cells of a CSV file that somebody opens in a spreadsheet, which takes some texts for formulas."""

from __future__ import annotations

import re

_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\r\n]")
"""How a text begins that a spreadsheet may run (OWASP, CSV Injection); some trim what is blank before they look."""
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


def safe_cell(value: object) -> object:
    """Make a value fit for a cell: a number stays one, and no text is a formula.

    :param value: what a document holds
    :return: the value; a text that would be run gets the apostrophe with which spreadsheets mark a text
    """
    if value is None or isinstance(value, int | float):
        return value
    text = str(value)
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text
