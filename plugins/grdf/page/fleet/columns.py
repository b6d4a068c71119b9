"""Columns of counts, with the places of their parts in an SVG drawing.

pygal, which draws the charts of an account, takes 60 ms for the 60 columns of the fleet, and its stacked bars keep no
CSS class. A column of rectangles needs no library.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

WIDTH, HEIGHT = 900, 260
LEFT, RIGHT, TOP, BOTTOM = 48, 24, 28, 44
"""Room around the columns, in SVG user units: for the numbers, half a label, the unit, the labels and their title."""
TICKS = 5
GAP = 0.15
"""Part of a column's room that stays empty."""


class Column(NamedTuple):
    """One column: its label on the x-axis, a tooltip, and the heights of its parts by CSS class, the lowest first."""

    label: str
    text: str
    parts: Mapping[str, int]


class Box(NamedTuple):
    """A rectangle. Lengths are in SVG user units."""

    kind: str
    text: str
    x: float
    y: float
    width: float
    height: float


class Drawing(NamedTuple):
    """The places of everything in a drawing.

    :param boxes: the parts of all columns
    :param ticks: the numbers of the y-axis and their heights
    :param labels: the labels of the x-axis and the middles of their columns
    """

    boxes: tuple[Box, ...]
    ticks: tuple[tuple[int, float], ...]
    labels: tuple[tuple[str, float], ...]


def drawing(columns: Sequence[Column], every: int = 1) -> Drawing:
    """Return the drawing of some columns.

    :param every: label only every n-th column, the last one included
    """
    highest = max((sum(column.parts.values()) for column in columns), default=0)
    step = _step(highest)
    top = max(-(-highest // step), 1) * step
    ground, scale = HEIGHT - BOTTOM, (HEIGHT - BOTTOM - TOP) / top
    room = (WIDTH - LEFT - RIGHT) / max(len(columns), 1)
    boxes = []
    for at, column in enumerate(columns):
        y = float(ground)
        for kind, number in column.parts.items():
            y -= number * scale
            if number:
                places = LEFT + (at + GAP / 2) * room, y, (1 - GAP) * room, number * scale
                boxes.append(Box(kind, column.text, *(round(place, 2) for place in places)))
    labelled = range((len(columns) - 1) % every, len(columns), every)
    return Drawing(
        tuple(boxes),
        tuple((number, round(ground - number * scale, 2)) for number in range(0, top + 1, step)),
        tuple((columns[at].label, round(LEFT + (at + 0.5) * room, 2)) for at in labelled),
    )


def _step(highest: int) -> int:
    """Return the distance of the y-axis's numbers: 1, 2 or 5, or one of these with zeros, so that they are few."""
    step = 1
    while True:
        for factor in (1, 2, 5):
            if highest <= TICKS * factor * step:
                return factor * step
        step *= 10
