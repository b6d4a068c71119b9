"""Bar charts as inline SVG, drawn on the server and coloured by the page's style sheet, without scripts.

pygal draws them. This module removes what a strict Content-Security-Policy forbids (pygal's style and script elements
and its style attributes) and adds what pygal does not offer: the unit, a mark on corrected days, a line for a measured
zero, and a hatched column for missing days.
"""

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
"""Room for the unit, in SVG user units. pygal would write it across the numbers of the y-axis."""
ZERO = 3.0
"""Height of the line for a measured zero, in SVG user units."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar.

    :param load: height in the chart's unit; ``None`` draws no bar
    :param kind: CSS class
    :param text: tooltip
    :param gap: whether to draw a column over the whole height, for missing data
    :param marked: whether to draw the mark for a corrected value
    """

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
    """Return a chart of bars side by side.

    :param labels: labels of the x-axis
    :param series: CSS class and one bar per label of each series; later series are drawn to the right
    :param name: description of the chart for screen readers
    :param unit: the unit of the bars' heights, which the y-axis is labelled with
    """
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
    # This is safe: pygal builds a tree and escapes every text when it serializes it.
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
    """Return the namespace of a node, as its children's tags need it."""
    return str(node.tag).rpartition("}")[0] + "}" * ("}" in node.tag)


def _adapt_bar(group: Any) -> None:
    """Turn a bar's label into its tooltip, and draw what has no height: a measured zero and the mark."""
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
