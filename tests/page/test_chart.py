"""Charts contain nothing that a strict Content-Security-Policy forbids, escape every text, and tell gaps from zeros."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import pytest

from grdf.page.account.account_charts import said
from grdf.page.html.catalogue import Texts
from grdf.page.html.chart import Bar, bar_chart
from include.gas.display.cells import Cell, Kind

ROOT = Path(__file__).resolve().parents[2]
NASTY = "<script>alert('1')</script>\" onload=\"x"


def drawn(*bars: Bar, name: str = "chart") -> ElementTree.Element:
    labels = [str(number) for number in range(len(bars))]
    return ElementTree.fromstring(bar_chart(labels, [("now", bars)], name=name, unit="kWh"))


def boxes(root: ElementTree.Element) -> list[ElementTree.Element]:
    return [node for node in root.iter() if node.tag.endswith("rect") and "bar" in node.get("class", "").split()]


def test_nothing_is_in_it_that_the_page_forbids() -> None:
    root = drawn(
        Bar(5, "measured", "five"), Bar(None, "awaited", "none", gap=True), Bar(7, "measured", "x", marked=True)
    )
    assert {node.tag.rpartition("}")[2] for node in root.iter()} == {"svg", "g", "rect", "path", "text", "title"}
    names = {name for node in root.iter() for name in node.attrib}
    assert not any(name == "style" or name.startswith("on") or "href" in name for name in names)
    assert root.get("role") == "img"


def test_texts_are_texts() -> None:
    root = drawn(Bar(5, "measured", NASTY), name=NASTY)
    assert root.get("aria-label") == NASTY
    (box,) = boxes(root)
    assert [child.text for child in box] == [NASTY]
    assert "<script" not in bar_chart([NASTY], [("now", [Bar(1, "measured", NASTY)])], name=NASTY, unit=NASTY)


def test_a_zero_is_a_line_a_gap_a_column_and_nothing_is_nothing() -> None:
    five, zero, gap = boxes(
        drawn(
            Bar(5, "measured", ""),
            Bar(0, "measured", ""),
            Bar(None, "awaited", "", gap=True),
            Bar(None, "expected", ""),
        )
    )
    assert 0 < float(zero.get("height", 0)) < 5
    assert float(gap.get("height", 0)) == pytest.approx(float(five.get("height", 0)))
    assert (zero.get("class"), gap.get("class")) == ("bar now measured zero", "bar now awaited gap")


def test_a_corrected_bar_has_a_mark() -> None:
    root = drawn(Bar(5, "measured", "", marked=True), Bar(5, "measured", ""))
    assert [node.get("class") for node in root.iter()].count("mark") == 1


def test_the_axis_says_in_which_unit_it_counts() -> None:
    texts = [node.text for node in drawn(Bar(5, "measured", "")).iter() if node.tag.endswith("text")]
    assert texts.count("kWh") == 1


def test_nothing_at_all_is_drawn_too() -> None:
    assert boxes(drawn(Bar(None, "expected", ""))) == []
    assert boxes(drawn()) == []


def test_it_is_the_same_without_lxml() -> None:
    """Without lxml, as may be the case in production, pygal uses the standard library."""
    code = (
        "from grdf.page.html.chart import *; "
        "print(bar_chart(['a'], [('now', [Bar(0, 'm', 'é<', marked=True)])], name='n', unit='kWh'))"
    )
    texts = []
    for without in ({"NO_LXML": "1"}, {}):
        path = {"PYTHONPATH": f"{ROOT}:{ROOT / 'plugins'}", "PYTHONIOENCODING": "utf-8"}
        done = subprocess.run(
            [sys.executable, "-c", code], env=path | without, capture_output=True, check=True, timeout=60
        )
        texts.append(ElementTree.canonicalize(done.stdout.decode()))
    assert texts[0] == texts[1]
    assert re.search("é&lt;", texts[0])


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "shared out from GRDF's billing periods, only 181 of its 366 days are in these periods"),
        ("fr", "réparti d'après les périodes publiées par GRDF, ces périodes n’en couvrent que 181 jours sur 366"),
    ],
)
def test_a_year_of_billing_periods_says_which_part_of_it_they_cover(language: str, words: str) -> None:
    cell = Cell(date(2024, 1, 1), Kind.PUBLISHED, 6000, part=(181, 366))
    assert said(cell, Texts(language), figure=False) == words
