"""Columns of counts, with the places of their parts in an SVG drawing.

pygal, which draws the charts of an account, takes 60 ms for the 60 columns of the fleet, and its stacked bars keep no
CSS class. A column of rectangles needs no library.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 900, 260
LEFT, RIGHT, TOP, BOTTOM = 48, 24, 28, 44
"""Room around the columns, in SVG user units: for the numbers, half a label, the unit, the labels and their title."""
TICKS = 5
GAP = 0.15
"""Part of a column's room that stays empty."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a column.

    :param kind: CSS class
    :param number: height
    """

    kind: str
    number: int


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    :param label: label on the x-axis
    :param text: tooltip
    :param parts: the parts from the bottom to the top
    """

    label: str
    text: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle. Lengths are in SVG user units."""

    kind: str
    text: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Drawing:
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
    highest = max((sum(part.number for part in column.parts) for column in columns), default=0)
    step = _step(highest)
    top = max(-(-highest // step), 1) * step
    ground, high = HEIGHT - BOTTOM, HEIGHT - BOTTOM - TOP
    room = (WIDTH - LEFT - RIGHT) / max(len(columns), 1)
    boxes = []
    for at, column in enumerate(columns):
        below = 0
        for part in column.parts:
            if part.number:
                height = part.number / top * high
                y = ground - below / top * high - height
                x = LEFT + (at + GAP / 2) * room
                boxes.append(
                    Box(
                        part.kind,
                        column.text,
                        round(x, 2),
                        round(y, 2),
                        round((1 - GAP) * room, 2),
                        round(height, 2),
                    )
                )
                below += part.number
    labelled = range((len(columns) - 1) % every, len(columns), every)
    return Drawing(
        tuple(boxes),
        tuple((number, round(ground - number / top * high, 2)) for number in range(0, top + 1, step)),
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
