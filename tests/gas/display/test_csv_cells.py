"""Cells of a CSV file: numbers stay numbers, and no text becomes a formula."""

from __future__ import annotations

import pytest

from include.gas.display.csv_cells import safe_cell


@pytest.mark.parametrize(
    "value", [0, -5, 60, 1.25, -0.5, 1e-7, None, "", "2024-03-28", "GI000001", "-5", "+1.5e3", "a=b"]
)
def test_numbers_and_plain_texts_stay(value: object) -> None:
    assert safe_cell(value) is value


@pytest.mark.parametrize(
    "text",
    [
        "=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\t1", " =1", "＝1", "--5", "-", "=",
        "+a",
    ],
)  # fmt: skip
def test_formulas_become_texts(text: str) -> None:
    assert safe_cell(text) == f"'{text}"


def test_what_is_neither_is_a_text() -> None:
    assert safe_cell({"=": 1}) == "{'=': 1}"
    assert safe_cell(["@"]) == "['@']"
