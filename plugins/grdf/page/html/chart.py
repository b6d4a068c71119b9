"""Bar charts as inline SVG, drawn by pygal and coloured by the style sheet, without scripts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pygal
from markupsafe import Markup
from pygal.etree import etree

from include.gas.documents.totals import Number

WIDTH, HEIGHT = 900, 300
MARGIN_TOP = 24
"""Room for the unit, in SVG user units: pygal would write it across the y-axis's numbers."""
ZERO = 3.0
"""Height of a measured zero's line, in SVG user units."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its load (or ``None``), CSS class and tooltip; a column for a ``gap``, a mark for a correction."""

    load: Number | None
    kind: str
    text: str
    gap: bool = False
    marked: bool = False


def bar_chart(
    labels: Sequence[str],
    series: Sequence[tuple[str, Sequence[Bar]]],
    *,
    name: str,
    unit: str,
) -> Markup:
    """Return a chart of bars side by side."""
    highest = max((bar.load for _, bars in series for bar in bars if bar.load is not None), default=0) or 1
    chart = pygal.Bar(
        width=WIDTH, height=HEIGHT, margin=4, spacing=6, js=[], css=[], no_prefix=True, classes=("chart",),
        disable_xml_declaration=True, pretty_print=False, show_legend=False, print_values=False, include_x_axis=True,
        range=(0, highest), max_scale=6,
        formatter=lambda value: f"{value:g}", margin_top=MARGIN_TOP, margin_left=14,
    )  # fmt: skip
    chart.x_labels = list(labels)
    for word, bars in series:
        chart.add(word, [_value(word, bar, highest) for bar in bars])
    chart.add_xml_filter(lambda root: _adapt(root, name, unit))
    # Safe: pygal escapes every text when it serializes its tree.
    return Markup(chart.render())


def _value(word: str, bar: Bar, highest: Number) -> dict[str, Any] | None:
    if bar.load is None and not bar.gap:
        return None
    shape = "gap" if bar.gap else "zero" if bar.load == 0 else ""
    node = {"class": " ".join(filter(None, ("bar", word, bar.kind, shape, "marked" * bar.marked)))}
    return {"value": highest if bar.gap else bar.load, "label": bar.text, "node": node}


def _adapt(root: Any, name: str, unit: str) -> Any:
    for parent in list(root.iter()):
        for child in list(parent):
            if not isinstance(child.tag, str) or child.tag.rpartition("}")[2] in ("script", "style", "defs"):
                parent.remove(child)
    for title in [child for child in root if child.tag.endswith("title")]:
        root.remove(title)  # pygal's default title
    for node in root.iter():
        node.attrib.pop("style", None)
        node.attrib.pop("id", None)
    for group in list(_groups(root, "bar")):
        _adapt_bar(group)
    for group in list(_groups(root, "tooltip")):
        group.clear()
    etree.SubElement(root, f"{_space(root)}text", {"class": "unit", "x": "4", "y": "13"}).text = unit
    root.attrib.update({"role": "img", "aria-label": name, "width": str(WIDTH), "height": str(HEIGHT)})
    return root


def _groups(root: Any, word: str) -> Iterator[Any]:
    return (node for node in root.iter() if node.tag.rpartition("}")[2] == "g" and node.get("class") == word)


def _space(node: Any) -> str:
    """Return a node's namespace, for its children's tags."""
    return str(node.tag).rpartition("}")[0] + "}" * ("}" in node.tag)


def _adapt_bar(group: Any) -> None:
    """Turn a bar's label into its tooltip, and draw what has no height."""
    space = _space(group)
    box = next(node for node in group if node.tag.endswith("rect"))
    said = next((node.text for node in group if node.get("class") == "label"), None)
    for child in list(group):
        if child is not box:
            group.remove(child)
    if "zero" in box.get("class", "").split():
        box.attrib.update({"y": str(float(box.get("y")) - ZERO), "height": str(ZERO)})
    etree.SubElement(box, f"{space}title").text = said
    if "marked" in box.get("class", "").split():
        middle, top = float(box.get("x")) + float(box.get("width")) / 2, float(box.get("y")) - 4
        shape = f"M{middle:.2f} {top:.2f}l-4 -6h8z"
        etree.SubElement(group, f"{space}path", {"class": "mark", "d": shape})
