"""Bar charts as inline SVG, drawn by pygal and coloured by the style sheet, without scripts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pygal
from markupsafe import Markup
from pygal.etree import etree
from pygal.view import Box

from include.gas.documents.totals import Number

WIDTH, HEIGHT = 640, 260
"""In SVG user units: the style sheet writes larger on a phone, which shows the whole chart too."""
MARGIN_TOP, MARGIN_LEFT = 26, 30
"""Room for the unit, which pygal would write across the y-axis's numbers, and for a phone's numbers."""
ZERO = 2.0
"""Height of a measured zero's line."""
MANY, SOME = 12, 5
"""More columns than these have no room for all labels on a phone."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its load and CSS class.

    :param sign: what stands in its place if it has no load
    :param marked: whether it was corrected or is doubtful
    :param compared: how much of the load is compared with the bar beside it, if not all
    """

    load: Number | None
    kind: str
    sign: str = ""
    marked: bool = False
    compared: Number | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """One day, month or year: its label, all that is said of it, one bar of each series, and why it is empty."""

    label: str
    text: str
    bars: tuple[Bar, ...]
    empty: str = ""


def bar_chart(
    columns: Sequence[Column], series: Sequence[str], *, name: str, unit: str, number: Callable[[Number], str]
) -> Markup:
    """Return a chart of columns with a bar of each series."""
    bars = [column.bars[at] for at in range(len(series)) for column in columns]
    highest = max((bar.load for bar in bars if bar.load is not None), default=0) or 1
    room = "many" if len(columns) > MANY else "some" if len(columns) > SOME else "few"
    chart = pygal.Bar(
        width=WIDTH, height=HEIGHT, margin=4, spacing=6, js=[], css=[], no_prefix=True, classes=("chart", room),
        disable_xml_declaration=True, pretty_print=False, show_legend=False, print_values=False, include_x_axis=True,
        range=(0, highest), max_scale=6, value_formatter=number, margin_top=MARGIN_TOP, margin_left=MARGIN_LEFT,
    )  # fmt: skip
    chart.x_labels = [column.label for column in columns]
    for at, word in enumerate(series):
        each = [column.bars[at] for column in columns]
        chart.add(word, [{"value": bar.load or 0, "node": {"class": f"bar {word} {bar.kind}"}} for bar in each])
    chart.add_xml_filter(lambda root: _adapt(root, columns, bars, name, unit))
    # Safe: pygal escapes every text when it serializes its tree.
    return Markup(chart.render())


def _adapt(root: Any, columns: Sequence[Column], bars: Sequence[Bar], name: str, unit: str) -> Any:
    for parent in list(root.iter()):
        for child in list(parent):
            if not isinstance(child.tag, str) or child.tag.rpartition("}")[2] in ("script", "style", "defs", "title"):
                parent.remove(child)
    for node in root.iter():
        node.attrib.pop("style", None)
        node.attrib.pop("id", None)
    for group, bar in zip(list(_groups(root, "bar")), bars, strict=False):
        _adapt_bar(group, bar)
    for group in list(_groups(root, "tooltip")):
        group.clear()
    for axis in _groups(root, "axis x"):
        plot = next(_groups(root, "plot"))[0]
        width, height = float(plot.get("width")) / (1 + 2 * Box.margin) / len(columns), plot.get("height")
        for group, column in zip(list(_groups(axis, "guides")), columns, strict=True):
            _adapt_column(group, column, width, height)
    _add(root, "text", "unit", x=4, y=13).text = unit
    root.attrib.update({"role": "img", "aria-label": name, "width": str(WIDTH), "height": str(HEIGHT)})
    return root


def _groups(root: Any, word: str) -> Iterator[Any]:
    return (node for node in root.iter() if node.tag.rpartition("}")[2] == "g" and node.get("class") == word)


def _add(parent: Any, tag: str, word: str = "", /, **values: object) -> Any:
    """Add a node of the parent's namespace."""
    space = str(parent.tag).rpartition("}")[0] + "}" * ("}" in parent.tag)
    named = {"class": word} if word else {}
    return etree.SubElement(parent, space + tag, named | {key: str(value) for key, value in values.items()})


def _adapt_column(group: Any, column: Column, width: float, height: str) -> None:
    """Turn the line above a label into the ground of its column, which says all of it."""
    label = next(node for node in group if node.tag.endswith("text"))
    for child in list(group):
        if child is not label:
            group.remove(child)
    group.set("class", f"column empty {column.empty}" if column.empty else "column")
    _add(group, "title").text = column.text
    _add(group, "rect", x=f"{float(label.get('x')) - width / 2:.2f}", y=0, width=f"{width:.2f}", height=height)


def _adapt_bar(group: Any, bar: Bar) -> None:
    """Draw what has no height."""
    box = next(node for node in group if node.tag.endswith("rect"))
    for child in list(group):
        if child is not box:
            group.remove(child)
    left, top, width, height = (float(box.get(name)) for name in ("x", "y", "width", "height"))
    middle = f"{left + width / 2:.2f}"
    if bar.load is None:
        group.remove(box)
        if bar.sign:
            _add(group, "text", f"sign {bar.kind}", x=middle, y=f"{top - 4:.2f}").text = bar.sign
        return
    if bar.load == 0:
        box.attrib.update({"y": str(top - ZERO), "height": str(ZERO), "class": f"{box.get('class')} zero"})
    elif bar.compared is not None:
        _add(group, "path", "compared", d=f"M{left:.2f} {top + height * (1 - bar.compared / bar.load):.2f}h{width:.2f}")
    if bar.marked:
        _add(group, "path", "mark", d=f"M{middle} {top - 4:.2f}l-4 -6h8z")
