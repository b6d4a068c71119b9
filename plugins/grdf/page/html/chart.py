"""Bar charts as SVG in the page: made on the server, coloured by the page's style sheet, without script.

pygal draws; what a strict Content-Security-Policy forbids (its style and script elements, style attributes) is taken
out of the drawing, and what it has no word for is put in: a mark on corrected days, a line for a measured zero, and a
hatched column for what is missing.
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
ZERO = 3.0
"""Height of the line that stands for a measured zero, in units of the drawing."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar.

    :param load: kWh; None draws nothing
    :param kind: word for the style sheet
    :param text: what is said of it when it is pointed at
    :param gap: whether it stands for something missing: a column over the whole height
    :param marked: whether it was corrected
    """

    load: Number | None
    kind: str
    text: str
    gap: bool = False
    marked: bool = False


def bar_chart(
    labels: Sequence[str], series: Sequence[tuple[str, Sequence[Bar]]], *, name: str, every: int = 1
) -> Markup:
    """Draw bars side by side.

    :param labels: below the bars
    :param series: word for the style sheet, and a bar per label; the later one is drawn on the right
    :param name: what the chart shows, for those who do not see it
    :param every: how many labels share a written one
    """
    highest = max((bar.load for _, bars in series for bar in bars if bar.load is not None), default=0) or 1
    chart = pygal.Bar(
        width=WIDTH, height=HEIGHT, margin=4, spacing=6, js=[], css=[], no_prefix=True, classes=("chart",),
        disable_xml_declaration=True, pretty_print=False, show_legend=False, print_values=False, include_x_axis=True,
        range=(0, highest), max_scale=6, x_labels_major_every=every, show_minor_x_labels=every == 1,
        formatter=lambda value: f"{value:g}",
    )  # fmt: skip
    chart.x_labels = list(labels)
    for word, bars in series:
        chart.add(word, [_value(word, bar, highest) for bar in bars])
    chart.add_xml_filter(lambda root: _adapt(root, name))
    # Safe: pygal builds a tree, and every text in it is escaped when that is written.
    return Markup(chart.render())


def _value(word: str, bar: Bar, highest: Number) -> dict[str, Any] | None:
    if bar.load is None and not bar.gap:
        return None
    shape = "gap" if bar.gap else "zero" if bar.load == 0 else ""
    node = {"class": " ".join(filter(None, ("bar", word, bar.kind, shape, "marked" * bar.marked)))}
    return {"value": highest if bar.gap else bar.load, "label": bar.text, "node": node}


def _adapt(root: Any, name: str) -> Any:
    for parent in list(root.iter()):
        for child in list(parent):
            if not isinstance(child.tag, str) or child.tag.rpartition("}")[2] in ("script", "style", "defs"):
                parent.remove(child)
    for title in [child for child in root if child.tag.endswith("title")]:
        root.remove(title)  # pygal's own name
    for node in root.iter():
        node.attrib.pop("style", None)
        node.attrib.pop("id", None)
    for group in list(_groups(root, "bar")):
        _adapt_bar(group)
    for group in list(_groups(root, "tooltip")):
        group.clear()
    root.attrib.update({"role": "img", "aria-label": name, "width": str(WIDTH), "height": str(HEIGHT)})
    return root


def _groups(root: Any, word: str) -> Iterator[Any]:
    return (node for node in root.iter() if node.tag.rpartition("}")[2] == "g" and node.get("class") == word)


def _adapt_bar(group: Any) -> None:
    """Make the label what a browser shows when the bar is pointed at; draw what is there without having a height."""
    space = group.tag.rpartition("}")[0] + "}" * ("}" in group.tag)
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
