"""Charts contain nothing that a strict Content-Security-Policy forbids, escape every text, leave no column blank."""

from __future__ import annotations

from datetime import date
from xml.etree import ElementTree

import pytest

from grdf.page.account.account_charts import compare_cell, describe_cell, draw_chart
from grdf.page.html.catalogue import LANGUAGES, Texts
from grdf.page.html.chart import Bar, Column, bar_chart
from include.gas.display.cells import Cell, Kind

NASTY = "<script>alert('1')</script>\" onload=\"x"


def drawn(*bars: Bar, name: str = "chart") -> ElementTree.Element:
    columns = [Column(name, f"{name} {at}", (bar,), "awaited" if bar.sign else "") for at, bar in enumerate(bars)]
    return ElementTree.fromstring(bar_chart(columns, ["now"], name=name, unit="kWh", number=str))


def nodes(root: ElementTree.Element, word: str) -> list[ElementTree.Element]:
    return [node for node in root.iter() if word in node.get("class", "").split()]


def test_nothing_is_in_it_that_the_page_forbids_and_texts_are_texts() -> None:
    root = drawn(Bar(5, "measured", compared=4), Bar(None, "awaited", "?"), Bar(7, "measured", marked=True), name=NASTY)
    assert {node.tag.rpartition("}")[2] for node in root.iter()} == {"svg", "g", "rect", "path", "text", "title"}
    names = {name for node in root.iter() for name in node.attrib}
    assert not any(name == "style" or name.startswith("on") or "href" in name for name in names)
    assert (root.get("role"), root.get("aria-label")) == ("img", NASTY)
    assert [node.text for node in root.iter() if node.tag.endswith("title")] == [f"{NASTY} {at}" for at in range(3)]
    assert [len(nodes(root, word)) for word in ("mark", "compared", "unit")] == [1, 1, 1]


def test_a_zero_is_a_line_and_what_is_missing_has_a_sign_in_a_column_of_its_own() -> None:
    root = drawn(Bar(5, "measured"), Bar(0, "measured"), Bar(None, "awaited", "?"), Bar(None, "former"))
    five, zero = (node for node in nodes(root, "bar") if node.tag.endswith("rect"))
    assert 0 < float(zero.get("height", 0)) < 5 < float(five.get("height", 0))
    assert [node.text for node in nodes(root, "sign")] == ["?"]
    assert [len(nodes(drawn(*bars), "empty")) for bars in ([Bar(None, "awaited", "?")] * 31, [])] == [31, 0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_it_says_of_a_period_names_its_days(language: str) -> None:
    t, first = Texts(language), date(2024, 11, 1)
    year = describe_cell(Cell(date(2024, 1, 1), Kind.PUBLISHED, 6000, part=(181, 366)), t, figure=False)
    assert [part for part in ("GRDF", "181", "366") if part not in year] == []
    cells = [
        Cell(first, Kind.SO_FAR, 243, 225, 27, 27, compared=25, matched=228, former=250, former_days=28),
        Cell(first, Kind.NONE), Cell(first, Kind.NONE), Cell(first, Kind.MEASURED, 0),
    ]  # fmt: skip
    said = compare_cell(cells[0], t, "Nov")
    assert [part for part in ("228", "225", "25", "Nov", "250", "28") if part not in said] == []
    assert "27" in describe_cell(cells[0], t)
    chart = draw_chart(cells, t, name="", label=lambda cell: str(cell.first.day), title=str)
    assert [kind for kind, _, _ in chart.legend] == ["measured", "so_far", "none", "former", "compared", "zero"]
    assert "2" in chart.legend[2][2], "how many are missing"
