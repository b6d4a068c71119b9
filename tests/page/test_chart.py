"""Charts contain nothing that a strict Content-Security-Policy forbids, escape every text, and tell gaps from zeros."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import pytest

from grdf.page.account.account_charts import describe_cell
from grdf.page.html.catalogue import LANGUAGES, Texts
from grdf.page.html.chart import Bar, bar_chart
from include.gas.display.cells import Cell, Kind

ROOT = Path(__file__).resolve().parents[2]
NASTY = "<script>alert('1')</script>\" onload=\"x"
FIVE, GAP = Bar(5, "measured", "five"), Bar(None, "awaited", "none", gap=True)


def drawn(*bars: Bar, name: str = "chart") -> ElementTree.Element:
    labels = [str(number) for number in range(len(bars))]
    return ElementTree.fromstring(bar_chart(labels, [("now", bars)], name=name, unit="kWh"))


def boxes(root: ElementTree.Element) -> list[ElementTree.Element]:
    return [node for node in root.iter() if node.tag.endswith("rect") and "bar" in node.get("class", "").split()]


def test_nothing_is_in_it_that_the_page_forbids_and_texts_are_texts() -> None:
    root = drawn(FIVE, GAP, Bar(7, "measured", NASTY, marked=True), name=NASTY)
    assert {node.tag.rpartition("}")[2] for node in root.iter()} == {"svg", "g", "rect", "path", "text", "title"}
    names = {name for node in root.iter() for name in node.attrib}
    assert not any(name == "style" or name.startswith("on") or "href" in name for name in names)
    assert (root.get("role"), root.get("aria-label")) == ("img", NASTY)
    assert [child.text for child in boxes(root)[2]] == [NASTY]
    assert [node.get("class") for node in root.iter()].count("mark") == 1, "of the corrected bar"
    assert [node.text for node in root.iter() if node.tag.endswith("text")].count("kWh") == 1
    assert "<script" not in bar_chart([NASTY], [("now", [FIVE])], name=NASTY, unit=NASTY)


def test_a_zero_is_a_line_a_gap_a_column_and_nothing_is_nothing() -> None:
    five, zero, gap = boxes(drawn(FIVE, Bar(0, "measured", ""), GAP, Bar(None, "expected", "")))
    assert 0 < float(zero.get("height", 0)) < 5
    assert float(gap.get("height", 0)) == pytest.approx(float(five.get("height", 0)))
    assert (zero.get("class"), gap.get("class")) == ("bar now measured zero", "bar now awaited gap")
    assert boxes(drawn(Bar(None, "expected", ""))) == boxes(drawn()) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_year_of_billing_periods_says_which_part_of_it_they_cover(language: str) -> None:
    cell = Cell(date(2024, 1, 1), Kind.PUBLISHED, 6000, part=(181, 366))
    text = describe_cell(cell, Texts(language), figure=False)
    assert [part for part in ("GRDF", "181", "366") if part not in text] == []
